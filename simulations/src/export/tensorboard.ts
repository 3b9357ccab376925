/**
 * What a run measured, as event files that TensorBoard reads: records in the TFRecord framing, each an `Event` message of
 * tensorflow/core/util/event.proto. One folder for the run and one for each member, which TensorBoard shows as curves in one chart.
 */
import { countsOf, type Metrics, type RunRecord } from '#protocol/record.js'
import { maskedCrc32c } from './crc32c.js'

export interface EventFile {
  /** `run` or `slot-N`. */
  readonly folder: string
  readonly name: string
  readonly bytes: Uint8Array
}

/** `step` is the round. */
interface Point {
  readonly step: number
  readonly at: string
  readonly values: Metrics
}

export function eventFiles({ runId, createdAt, rounds, roster }: RunRecord): readonly EventFile[] {
  const name = `events.out.tfevents.${Math.floor(secondsOf(createdAt))}.${runId}`
  const ofRun = rounds.map(({ round, closedAt, metrics, ...record }) => ({
    step: round,
    at: closedAt,
    values: {
      ...metrics,
      'round/asked': countsOf(record).asked,
      'round/reported': countsOf(record).accepted,
      'round/seconds': record.durationMs / 1000,
      'round/bytes_up': record.bytesUp,
      'round/bytes_down': record.bytesDown,
    },
  }))
  const members = roster.map(({ slot }) => ({
    folder: `slot-${slot}`,
    points: rounds.flatMap(({ round, closedAt, accepted }): Point[] => {
      const own = accepted.find((update) => update.slot === slot)
      return own === undefined ? [] : [{ step: round, at: closedAt, values: own.metrics }]
    }),
  }))
  return [{ folder: 'run', points: ofRun }, ...members]
    .filter(({ points }) => points.some(({ values }) => Object.keys(values).length > 0))
    .map(({ folder, points }) => ({ folder, name, bytes: fileOf(createdAt, points) }))
}

function fileOf(createdAt: string, points: readonly Point[]): Uint8Array {
  const events = points.flatMap(({ step, at, values }) =>
    Object.entries(values).map(([tag, value]) => eventOf(at, step, summaryOf(tag, value))),
  )
  // The first event of a file says which version of the format follows.
  const version = Buffer.concat([wallTime(createdAt), field(3, utf8('brain.Event:2'))])
  return Buffer.concat([version, ...events].map(framed))
}

const secondsOf = (time: string): number => Date.parse(time) / 1000

/** length u64, its checksum, the record, its checksum: all little-endian. */
function framed(record: Uint8Array): Uint8Array {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(record.length))
  return Buffer.concat([length, checksum(length), record, checksum(record)])
}
function checksum(bytes: Uint8Array): Uint8Array {
  const crc = Buffer.alloc(4)
  crc.writeUInt32LE(maskedCrc32c(bytes))
  return crc
}

/** Event { double wall_time = 1; int64 step = 2; Summary summary = 5 }. */
const eventOf = (at: string, step: number, summary: Uint8Array): Uint8Array =>
  Buffer.concat([wallTime(at), Buffer.from([(2 << 3) | VARINT]), varint(step), field(5, summary)])
/** Summary { repeated Value value = 1 }, Value { string tag = 1; float simple_value = 2 }. */
const summaryOf = (tag: string, value: number): Uint8Array =>
  field(1, Buffer.concat([field(1, utf8(tag)), floatField(2, value)]))

/** Wire types of Protocol Buffers. */
const [VARINT, DOUBLE, BYTES, FLOAT] = [0, 1, 2, 5]

function wallTime(at: string): Uint8Array {
  const bytes = Buffer.alloc(9)
  bytes[0] = (1 << 3) | DOUBLE
  bytes.writeDoubleLE(secondsOf(at), 1)
  return bytes
}
function floatField(number: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(5)
  bytes[0] = (number << 3) | FLOAT
  bytes.writeFloatLE(value, 1)
  return bytes
}
const field = (number: number, content: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from([(number << 3) | BYTES]), varint(content.length), content])
const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8')

/** Seven bits a byte, the lowest first; the top bit says that more follow. */
function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Uint8Array.from([...bytes, rest])
}
