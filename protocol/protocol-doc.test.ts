import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bundleHash, decodeBundle, encodeBundle, float32Of } from './bundle.js'
import { diagnosticsSchema } from './diagnostics.js'
import { ERRORS, type ErrorCode } from './errors.js'
import { decodeFrame, encodeFrame } from './frame.js'
import { HTTP_API, parseAnswer, parseBody, refusalSchema, type HttpCall } from './http-api.js'
import {
  ACK_NAMES,
  CHUNK_BYTES,
  MESSAGE_NAMES,
  parseAck,
  parseMessage,
  parseWith,
  updateIdOf,
  type AckName,
  type MessageName,
} from './messages.js'
import { enrolmentText, isSignedBy, proofText } from './proof.js'
import { parseRunRecord } from './record.js'
import { unwrap, type Result } from './result.js'
import { configHash, parseRunConfig } from './run-config.js'
import { parseUiAck, parseUiMessage, UI_ACKS, UI_MESSAGES, type UiName } from './ui-messages.js'

const DOCUMENT = readFileSync(new URL('../docs/protocol.md', import.meta.url), 'utf8')
/** Every fenced block: what its first line says, and what is inside. */
const BLOCKS = [...DOCUMENT.matchAll(/^```(.+)\n([^]*?)^```$/gm)].map(
  ([, tag = '', body = '']) => ({
    tag,
    body,
  }),
)
const inside = (tag: string): readonly string[] =>
  BLOCKS.filter((block) => block.tag === tag).map(({ body }) => body)
const bytesOf = (hex: string): Uint8Array => Buffer.from(hex.replace(/\s/g, ''), 'hex')
const LIMITS = { maxChunkBytes: CHUNK_BYTES }

/** The reader of each kind of example, by the words after the language. */
const READERS: Record<string, (body: string, name: string) => Result<unknown>> = {
  message: (body, name) => parseMessage(name as MessageName, JSON.parse(body)),
  ack: (body, name) => parseAck(name as AckName, JSON.parse(body)),
  ui: (body, name) => parseUiMessage(name as UiName, JSON.parse(body)),
  uiack: (body, name) => parseUiAck(name as UiName, JSON.parse(body)),
  body: (body, call) => parseBody(call as HttpCall, JSON.parse(body)),
  answer: (body, call) => parseAnswer(call as HttpCall, JSON.parse(body)),
  refusal: (body) => parseWith(refusalSchema, 'refusal', JSON.parse(body)),
  diagnostics: (body) => parseWith(diagnosticsSchema, 'diagnostics', JSON.parse(body)),
  bundle: (body) => decodeBundle(bytesOf(body)),
  frame: (body) => decodeFrame(bytesOf(body), LIMITS),
}
function read({ tag, body }: { tag: string; body: string }): Result<unknown> {
  const [, kind = '', name = ''] = /^(?:json|hex) (\w+)=?(.*)$/.exec(tag) ?? []
  const reader = READERS[kind]
  if (reader === undefined) throw new TypeError(`No test reads the examples called "${tag}"`)
  return reader(body, name)
}

describe('docs/protocol.md', () => {
  it.each(BLOCKS.map((block, i) => [i + 1, block.tag, block] as const))(
    'example %d (%s) is read by the code',
    (_i, tag, block) => {
      const [, code] = / refused=(\S+)$/.exec(tag) ?? []
      const result = read(block)
      if (code === undefined) unwrap(result)
      else expect(result).toMatchObject({ ok: false, error: { code } })
    },
  )
  it('has an example of every message, of every acknowledgement, of every call', () => {
    for (const name of MESSAGE_NAMES) expect(inside(`json message=${name}`), name).not.toEqual([])
    for (const name of ACK_NAMES) expect(inside(`json ack=${name}`), name).not.toEqual([])
    for (const name of Object.keys(UI_MESSAGES))
      expect(inside(`json ui=${name}`), name).not.toEqual([])
    for (const name of Object.keys(UI_ACKS))
      expect(inside(`json uiack=${name}`), name).not.toEqual([])
    for (const call of Object.keys(HTTP_API) as HttpCall[]) {
      expect(DOCUMENT).toContain(`| \`${call}`)
      if (call.startsWith('POST')) expect(inside(`json body=${call}`), call).not.toEqual([])
      if (call === 'GET /api/schema/run-config') continue
      expect(inside(`json answer=${call}`), call).not.toEqual([])
    }
  })
  it('shows one update throughout: its bundle, its announcement, its only chunk', () => {
    const [bundleHex = ''] = inside('hex bundle')
    const [frameHex = ''] = inside('hex frame')
    const bundle = unwrap(decodeBundle(bytesOf(bundleHex)))
    expect(Buffer.from(encodeBundle(bundle)).equals(bytesOf(bundleHex))).toBe(true)
    expect(float32Of(bundle, 'delta/w')).toEqual(Float32Array.of(1.5, -2))
    const begin = unwrap(
      parseMessage('update:begin', JSON.parse(inside('json message=update:begin')[0]!)),
    )
    expect(begin).toMatchObject({ sha256: bundleHash(bundle), updateId: updateIdOf(begin) })
    const frame = unwrap(decodeFrame(bytesOf(frameHex), LIMITS))
    expect(Buffer.from(encodeFrame(frame)).equals(bytesOf(frameHex))).toBe(true)
    expect(Buffer.from(frame.chunk).equals(bytesOf(bundleHex))).toBe(true)
    expect(frame.header).toMatchObject({ updateId: begin.updateId, payloadBytes: begin.bytes })
  })
  it('shows tasks and records whose configuration has the hash they state', () => {
    const start = unwrap(
      parseMessage('round:start', JSON.parse(inside('json message=round:start')[0]!)),
    )
    expect(configHash(start.config)).toBe(start.configHash)
    const record = unwrap(parseRunRecord(inside('json answer=GET /api/runs/:id')[0]!))
    expect(configHash(record.config)).toBe(record.configHash)
  })
  it('starts a run with a configuration that the schema takes', () => {
    const { config } = JSON.parse(inside('json body=POST /api/runs')[0]!) as { config: unknown }
    const none = { none: z.strictObject({}) }
    const catalogue = {
      models: { mlp: z.strictObject({}) },
      methods: { fedavg: z.strictObject({}) },
      calibrations: { ccvr: z.strictObject({}) },
      serverOptimizers: { sgd: z.strictObject({}) },
      clientOptimizers: { sgd: z.strictObject({}) },
      samplers: { ...none, uniform: z.strictObject({}) },
      aggregators: { ...none, mean: z.strictObject({}) },
      updateTransforms: { clip: z.strictObject({ norm: z.number().positive().default(1) }) },
    }
    expect(unwrap(parseRunConfig(config, catalogue))).toMatchObject({
      cohort: { take: { size: 2 } },
    })
  })
  it('shows proofs that hold', () => {
    const body = (call: string) => JSON.parse(inside(`json body=${call}`)[0]!) as never
    const { proof, ...enrolment } = unwrap(parseBody('POST /api/enrol', body('POST /api/enrol')))
    const { publicKey } = enrolment
    expect(isSignedBy(enrolmentText(enrolment), proof, publicKey)).toBe(true)
    const token = unwrap(parseBody('POST /api/token', body('POST /api/token')))
    const { challenge, nodeId } = token
    const text = proofText({ challenge, nodeId, purpose: 'token' })
    expect(isSignedBy(text, token.signature, publicKey)).toBe(true)
    const next = unwrap(parseBody('POST /api/node-key', body('POST /api/node-key')))
    const change = { challenge, nodeId, purpose: 'new-key', publicKey: next.publicKey } as const
    expect(isSignedBy(proofText(change), next.proof, next.publicKey)).toBe(true)
    const bySignature = 'signature' in next.by ? next.by.signature : ''
    expect(isSignedBy(proofText(change), bySignature, publicKey)).toBe(true)
    for (const signed of [enrolmentText(enrolment), text]) expect(DOCUMENT).toContain(signed)
  })
  it('lists exactly the codes of the table, with what they mean', () => {
    const rows = [...DOCUMENT.matchAll(/^\| `([a-z]+\/[a-z-]+)` *\| (.*) \|$/gm)]
    const listed = Object.fromEntries(
      rows.map(([, code = '', rest = '']) => [code, rest.split('|').map((cell) => cell.trim())]),
    )
    const expected = (Object.keys(ERRORS) as ErrorCode[]).map((code) => {
      const { status, retryable, exit, advice } = ERRORS[code]
      return [code, [String(status), retryable ? 'yes' : '', String(exit), advice]]
    })
    expect(listed).toEqual(Object.fromEntries(expected))
  })
})
