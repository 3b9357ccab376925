/** Frames that a node might send if it meant harm: recorded ones, changed; made up ones; and bytes that are none. */
import type { Stream } from '#protocol/random.js'
import { beginOf, frameOf, TINY_CARD, type Outgoing } from '#testing/socket-node.js'
import { DEFAULT_POLICY } from '#protocol/policy.js'
import { BINARY, frame, TEXT } from './raw-websocket.js'

const HOSTILE: readonly unknown[] = [
  ...[
    null,
    true,
    -1,
    0.5,
    1e308,
    -0,
    2 ** 53,
    '',
    'x'.repeat(5_000),
    '\u0000',
    '__proto__',
    '../..',
  ],
  ...[{}, [], [[[[[[]]]]]], { $ne: null }, { length: 1e9 }, { toString: 1 }, { then: 1 }, '\ud800'],
  ...['node-0123456789ab', 'run-0123456789ab', '0'.repeat(64), { _placeholder: true, num: 0 }],
  ...[{ _placeholder: true, num: 9 }, Array.from({ length: 500 }, (_, i) => i)],
]
const NAMES = [
  ...[
    'node:hello',
    'node:progress',
    'update:begin',
    'update:chunk',
    'update:finish',
    'task:failed',
  ],
  ...['fate:ask', 'error', 'disconnect', 'connect', '__proto__', 'constructor', '', 'newListener'],
]
/** Packets that no client sends: of engine.io, of socket.io, and of neither. */
const PACKETS = [
  ...[
    '',
    '0',
    '1',
    '2',
    '3',
    '4',
    '5',
    '6',
    '40',
    '41',
    '43',
    '44',
    '45',
    '46',
    '40/fl,',
    '41/fl,',
  ],
  ...[
    '42',
    '42[]',
    '42["a"]',
    '42/fl,',
    '42/fl,[]',
    '42/fl,[1]',
    '42/fl,{}',
    '42/fl,null',
    '42/x,["a"]',
  ],
  ...[
    '451-/fl,["a",{"_placeholder":true,"num":5}]',
    '459-/fl,["a"]',
    '45-1-["a"]',
    '451-["a",{"_placeholder":true,"num":-1}]',
  ],
  ...[
    '4599999999-/fl,["a"]',
    '43/fl,1[]',
    '43/fl,99999999999999999999[]',
    '42/fl,-1["a"]',
    '4{',
    '4"',
    '49',
  ],
  ...[
    '42/fl,["error"]',
    '42/fl,1["__proto__",{}]',
    '40/fl,{"token":{}}',
    '40{"token":[]}',
    '42/fl,1e9["a"]',
  ],
]

const pick = <T>(stream: Stream, from: readonly T[]): T => from[stream.integer(from.length)]!

/** The same value with one place in it replaced, left out, or put where there was none. */
function changed(value: unknown, stream: Stream): unknown {
  if (typeof value !== 'object' || value === null || stream.integer(4) === 0)
    return pick(stream, HOSTILE)
  const keys = Object.keys(value)
  const kind = stream.integer(5)
  const key = keys.length === 0 ? 'x' : pick(stream, keys)
  const entries = Object.entries(value)
  if (kind === 0) return Object.fromEntries(entries.filter(([name]) => name !== key))
  if (kind === 1)
    return { ...value, [pick(stream, ['role', '__proto__x', 'nodeId', ''])]: pick(stream, HOSTILE) }
  const inner = changed((value as Record<string, unknown>)[key], stream)
  return Array.isArray(value)
    ? value.map((item, i) => (String(i) === key ? inner : (item as unknown)))
    : Object.fromEntries(
        entries.map(([name, old]) => [name, name === key ? inner : (old as unknown)]),
      )
}
function damaged(original: Uint8Array, stream: Stream): Buffer {
  let bytes = Buffer.from(original)
  for (let left = 1 + stream.integer(3); left > 0 && bytes.length > 0; left -= 1) {
    const at = stream.integer(bytes.length)
    const kind = stream.integer(4)
    if (kind === 0) bytes[at] = stream.integer(256)
    else if (kind === 1) bytes[at]! ^= 1 << stream.integer(8)
    else if (kind === 2) bytes = bytes.subarray(0, at)
    else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 4))])
  }
  return bytes
}

export interface Made {
  readonly bytes: Buffer
  readonly frames: number
}
export interface Recorded {
  readonly update: Outgoing
}

/** One message of a node, on the wire; `id`: of its acknowledgement. */
export function nextFrames({ update }: Recorded, stream: Stream, id: number): Made {
  const { runId, round, attempt, slot, lease } = update.task
  const place = { runId, round, attempt, slot }
  const event = (name: string, value: unknown): Made => ({
    bytes: frame(TEXT, `42/fl,${id}${JSON.stringify([name, value])}`),
    frames: 1,
  })
  const dice = stream.integer(1000)
  if (dice < 300) {
    const chunk = damaged(frameOf(update, 0), stream)
    const head = `451-/fl,${id}["update:chunk",{"_placeholder":true,"num":0}]`
    return { bytes: Buffer.concat([frame(TEXT, head), frame(BINARY, chunk)]), frames: 2 }
  }
  if (dice < 850) {
    const messages: Readonly<Record<string, unknown>> = {
      'node:hello': { version: '1', name: 'f', card: TINY_CARD, policy: DEFAULT_POLICY },
      'node:progress': { runId, round, slot, done: 1, total: 2 },
      'update:begin': beginOf(update),
      'update:finish': { updateId: beginOf(update).updateId },
      'task:failed': { ...place, lease, problem: { code: 'task/failed', message: 'x' } },
      'fate:ask': place,
    }
    const name = pick(stream, Object.keys(messages))
    return event(name, changed(messages[name], stream))
  }
  if (dice < 980) return event(pick(stream, NAMES), pick(stream, HOSTILE))
  if (dice < 990) return { bytes: frame(TEXT, pick(stream, PACKETS)), frames: 1 }
  if (dice < 995) {
    const whole = Buffer.from(`42/fl,${id}${JSON.stringify(['update:begin', beginOf(update)])}`)
    return { bytes: frame(TEXT, damaged(whole, stream)), frames: 1 }
  }
  // No frame of the protocol of sockets: reserved bits, opcodes, masks and lengths.
  return { bytes: damaged(frame(stream.integer(16), Buffer.from('x')), stream), frames: 1 }
}
