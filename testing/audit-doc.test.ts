import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { LEVEL_WORDS } from '#protocol/audit-words.js'
import { createProgram } from '#cli/main.js'
import { auditFileSchema, auditGate } from '#protocol/audit-config.js'
import { AUDIT_LEVELS } from '#protocol/audit-level.js'
import { DEFAULT_THRESHOLDS } from '#protocol/audit-thresholds.js'

let page: string
beforeAll(async () => {
  page = await readFile(new URL('../docs/audit.md', import.meta.url), 'utf8')
})
interface Node {
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
}
const keysOf = (schema: Node): readonly string[] => Object.keys(schema.properties ?? {})

describe('docs/audit.md', () => {
  it('explains every key of an audit’s file', () => {
    const schema = z.toJSONSchema(auditFileSchema, { io: 'input' }) as Node
    const { records, rows } = schema.properties ?? {}
    for (const key of keysOf(schema)) expect(page).toMatch(new RegExp(`\`${key}[.\`]`))
    for (const key of keysOf(records ?? {})) expect(page).toContain(`\`records.${key}\``)
    for (const key of keysOf(rows?.items ?? {})) expect(page).toContain(`\`${key}\``)
  })
  it('shows a file that is accepted, and a gate', () => {
    const [, example = ''] = /```json\n(.*?)```/s.exec(page) ?? []
    expect(auditFileSchema.parse(JSON.parse(example)).rows).toHaveLength(5)
    const [, gate = '{}'] = /"audit": (\{.*?\}) \}/.exec(page) ?? []
    expect(auditGate.parse(JSON.parse(gate))).toMatchObject({ threshold: 'elevated' })
  })
  it('names all verdicts, with the thresholds that gates go by', () => {
    for (const level of AUDIT_LEVELS)
      expect(page).toContain(`**${LEVEL_WORDS[level].label.toLowerCase()}**`)
    const { analyticResidual, certainGain, highGain, elevatedGain, labelPValue, placeboPValue } =
      DEFAULT_THRESHOLDS
    expect(page).toContain(`relative error below ${analyticResidual}`)
    expect(page).toContain(`half of them gain more than ${certainGain} dB`)
    expect(page).toContain(`one record gains more than ${highGain} dB`)
    expect(page).toContain(`half of the records gain more than ${elevatedGain} dB`)
    expect(page).toContain(`than by chance (p below ${labelPValue})`)
    expect(page).toContain(`recognises this one (p below ${placeboPValue})`)
    expect([
      DEFAULT_THRESHOLDS.highIdentification,
      DEFAULT_THRESHOLDS.elevatedIdentification,
    ]).toEqual([5, 1])
  })
  it('shows commands and options that there are', { timeout: 300_000 }, async () => {
    const shown = [
      ...page.matchAll(/tributary ((?:audit|runs|client|coordinator) [a-z-]+)([^`\n]*)/g),
    ]
    expect(shown.length).toBeGreaterThan(8)
    for (const [, path = '', rest = ''] of shown) {
      const program = await createProgram(path.split(' '))
      const command = path
        .split(' ')
        .reduce<typeof program | undefined>(
          (parent, name) => parent?.commands.find((child) => child.name() === name),
          program,
        )
      expect([path, command?.name()]).toEqual([path, path.split(' ')[1]])
      const known = command?.options.map(({ long }) => long) ?? []
      for (const [option] of rest.matchAll(/--[a-z-]+/g)) expect(known).toContain(option)
    }
  })
  it('has a heading for each of its links', () => {
    const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    )
    const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, to = '']) => to)
    expect(links).toEqual(headings)
  })
})
