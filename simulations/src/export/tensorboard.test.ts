import { describe, expect, it } from 'vitest'
import { madeUpRun } from '#testing/made-up-runs.js'
import { crc32c, maskedCrc32c } from './crc32c.js'
import { eventFiles } from './tensorboard.js'

describe('CRC-32C', () => {
  it('has the values of RFC 3720, appendix B.4, and of the catalogue of checksums', () => {
    const range = Uint8Array.from({ length: 32 }, (_, i) => i)
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
    expect(crc32c(range)).toBe(0x46dd794e)
    expect(crc32c(range.toReversed())).toBe(0x113fdb5c)
    // Of the eight bytes of a length, 24, as TensorFlow's own writer stores it.
    expect(maskedCrc32c(Uint8Array.of(24, 0, 0, 0, 0, 0, 0, 0))).toBe(0x224b7fa3)
  })
})

interface ReadEvent {
  readonly wallTime: number
  readonly step: number
  readonly version: string | null
  readonly tag: string | null
  readonly value: number | null
}

type Fields = ReadonlyMap<number, number | Buffer>
/** The fields of a message of Protocol Buffers, by number: a reader written from the format's description alone. */
function fieldsOf(bytes: Buffer): Fields {
  const fields = new Map<number, number | Buffer>()
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const key = varint()
    const number = key >> 3
    switch (key & 7) {
      case 0:
        fields.set(number, varint())
        break
      case 1:
        fields.set(number, bytes.readDoubleLE(at))
        at += 8
        break
      case 2: {
        const length = varint()
        fields.set(number, bytes.subarray(at, at + length))
        at += length
        break
      }
      case 5:
        fields.set(number, bytes.readFloatLE(at))
        at += 4
        break
      default:
        throw new Error(`wire type ${key & 7}`)
    }
  }
  return fields
}
const inside = (fields: Fields | null, number: number): Fields | null => {
  const content = fields?.get(number)
  return Buffer.isBuffer(content) ? fieldsOf(content) : null
}
const textIn = (fields: Fields | null, number: number): string | null =>
  fields?.get(number)?.toString() ?? null

function readEvents(file: Uint8Array): readonly ReadEvent[] {
  const bytes = Buffer.from(file)
  const events: ReadEvent[] = []
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at))
    expect(bytes.readUInt32LE(at + 8)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)))
    const record = bytes.subarray(at + 12, at + 12 + length)
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedCrc32c(record))
    at += 16 + length
    const event = fieldsOf(record)
    const value = inside(inside(event, 5), 1)
    events.push({
      wallTime: event.get(1) as number,
      step: (event.get(2) as number | undefined) ?? 0,
      version: textIn(event, 3),
      tag: textIn(value, 1),
      value: (value?.get(2) as number | undefined) ?? null,
    })
  }
  return events
}

describe('metrics as TensorBoard events', () => {
  const record = madeUpRun({
    rounds: [
      { metrics: { accuracy: 0.125 } },
      { metrics: { accuracy: 0.75 }, clients: [{ loss: 0.5 }, null], bytesUp: 70_000 },
      ...Array.from({ length: 199 }, () => ({ metrics: { accuracy: 0.75 } })),
    ],
    members: [
      [1, 2],
      [3, 4],
    ],
  })

  it('are a file for the run and one for each member that measured something', () => {
    const files = eventFiles(record)
    expect(files.map(({ folder }) => folder)).toEqual(['run', 'slot-0'])
    for (const { name } of files)
      expect(name).toBe(`events.out.tfevents.1772368200.${record.runId}`)
  })

  it('have the bytes that TensorBoard’s own writer gives an event', () => {
    // tensorboard 2.21: RecordWriter with Event(wall_time=1772368201.0, step=200, summary: accuracy 0.75).
    const theirs =
      '1f00000000000000514b441809000040520c69da4110c8012a110a0f0a086163637572616379150000403f8110bce2'
    const [run] = eventFiles(record)
    expect(Buffer.from(run!.bytes).toString('hex')).toContain(theirs)
  })

  it('begin with the version, then tell each metric at its round', () => {
    const [run, slot] = eventFiles(record).map(({ bytes }) => readEvents(bytes))
    expect(run?.[0]).toMatchObject({ version: 'brain.Event:2', wallTime: 1772368200, tag: null })
    const accuracy = run?.filter(({ tag }) => tag === 'accuracy')
    expect(accuracy?.map(({ step }) => step)).toEqual(Array.from({ length: 201 }, (_, i) => i))
    expect(accuracy?.slice(0, 3).map(({ value }) => value)).toEqual([0.125, 0.75, 0.75])
    expect(run?.find(({ tag, step }) => tag === 'round/bytes_up' && step === 1)).toEqual({
      ...{ wallTime: 1772368201, step: 1, version: null, tag: 'round/bytes_up', value: 70_000 },
    })
    expect(slot?.slice(1)).toMatchObject([{ step: 1, tag: 'loss', value: 0.5 }])
  })
})
