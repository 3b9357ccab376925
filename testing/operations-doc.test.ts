import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { parse as parseYaml } from 'yaml'
import { describe, expect, it } from 'vitest'
import { isErrorCode } from '#protocol/errors.js'
import { createProgram } from '#cli/main.js'
import { SERVER_LIMITS, type Bucket } from '#coordinator/ops/limits.js'
import { Operations } from '#coordinator/ops/operations.js'
import { SOCKET_SETTINGS } from '#coordinator/transport/settings.js'

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')
const PROGRAM = await createProgram()
const PAGE = read('docs/operations.md')
/** The text below a heading of the second level. */
const section = (title: string): string =>
  PAGE.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? ''
const rows = (text: string): readonly (readonly string[])[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('|---'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .slice(1)
const inCode = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
const METRIC = /^(?:tributary|process|nodejs)_[a-z0-9_]+$/
const exported = new Operations().metrics.names

describe('docs/operations.md, its metrics', () => {
  it('names every metric that is exported, and no other', () => {
    const named = new Set(inCode(section('Metrics')).filter((code) => METRIC.test(code)))
    expect([...named].sort()).toEqual([...exported].sort())
    for (const name of inCode(PAGE).filter((code) => METRIC.test(code)))
      expect(exported).toContain(name)
  })

  interface Rules {
    readonly groups: readonly { readonly rules: readonly { alert: string; expr: string }[] }[]
  }
  it('explains every alert of deploy/alerts.yaml, by metrics that there are', () => {
    const { groups } = parseYaml(read('deploy/alerts.yaml')) as Rules
    const rules = groups.flatMap((group) => group.rules)
    const explained = rows(section('Alerts'))
    expect(explained.map(([alert]) => alert)).toEqual(rules.map(({ alert }) => alert))
    for (const [i, { alert, expr }] of rules.entries()) {
      const used = [...expr.matchAll(/\b(?:tributary|process|nodejs)_[a-z0-9_]+/g)].map(String)
      for (const name of used) expect([...exported, 'up'], alert).toContain(name)
      const [, metrics = '', threshold = '', remedy = ''] = explained[i] ?? []
      for (const name of inCode(metrics)) expect([...used, 'up'], alert).toContain(name)
      expect(threshold).not.toBe('')
      expect(remedy.length, alert).toBeGreaterThan(20)
    }
  })
})

describe('docs/operations.md, its limits', () => {
  const table = new Map(
    rows(section('Limits')).map(([name = '', ...rest]) => [inCode(name)[0], rest]),
  )
  const values = {
    ...SERVER_LIMITS,
    ...Object.fromEntries(
      (['maxHttpBufferSize', 'connectTimeout', 'pingInterval', 'pingTimeout'] as const).map(
        (name) => [name, SOCKET_SETTINGS[name]],
      ),
    ),
  }
  it('are all of the program’s, with their values', () => {
    expect([...table.keys()].sort()).toEqual(Object.keys(values).sort())
    for (const [name, value] of Object.entries<number | Bucket>(values)) {
      const [text = ''] = table.get(name) ?? []
      const numbers = [...text.matchAll(/\d+/g)].map(Number)
      const expected = typeof value === 'number' ? [value] : [value.burst, value.perSecond]
      expect(numbers.slice(0, expected.length), name).toEqual(expected)
    }
  })
  it('have the options that are named', () => {
    const start = find(['coordinator', 'start'])
    const flags = start.command.options.map(({ long }) => long)
    for (const [, [, option = ''] = []] of table)
      for (const flag of inCode(option)) expect(flags).toContain(flag)
    for (const flag of inCode(section('Limits')).filter((code) => code.startsWith('--')))
      expect(flags).toContain(flag)
  })
})

/** The command that words name, and what is left of them. */
function find(words: readonly string[]): {
  readonly command: Command
  readonly rest: readonly string[]
} {
  let command: Command = PROGRAM
  let rest = words
  for (;;) {
    const next = command.commands.find((one) => one.name() === rest[0])
    if (next === undefined) return { command, rest }
    command = next
    rest = rest.slice(1)
  }
}

/** What is wrong with a command line, null: nothing. Values are not judged. */
function wrong(line: string): string | null {
  const words = line.split(/\s+/).filter((word) => word !== '')
  const { command, rest } = find(words)
  if (command.commands.length > 0) return `${line}: no such command`
  let positional = 0
  for (let i = 0; i < rest.length; i += 1) {
    const word = rest[i] ?? ''
    if (!word.startsWith('--')) {
      positional += 1
      continue
    }
    const option = command.options.find(({ long }) => long === word)
    if (option === undefined) return `${line}: no option ${word}`
    if (!option.required) continue
    const value = rest[i + 1]
    if (value === undefined || value.startsWith('--')) return `${line}: ${word} without a value`
    i += 1
    while (option.variadic && rest[i + 1]?.includes('=') === true) i += 1
  }
  const needed = command.registeredArguments.filter(({ required }) => required).length
  return positional < needed || positional > command.registeredArguments.length
    ? `${line}: ${positional} arguments`
    : null
}

describe('commands', () => {
  const lines = PAGE.split('\n').filter((line) => line.startsWith('    '))
  const typed = lines.flatMap((line) => {
    const [, command] =
      /(?:(?:^ {4}|exec coordinator |\/opt\/tributary\/bin\/)tributary|run --rm coordinator) (.+)$/.exec(
        line,
      ) ?? []
    return command === undefined ? [] : [command]
  })
  const mentioned = inCode(PAGE)
    .filter((code) => code.startsWith('tributary ') && code.includes(' '))
    .map((code) => code.slice('tributary '.length))

  it('of the page are ones that the program has', () => {
    expect(typed.length).toBeGreaterThan(35)
    for (const line of [...typed, ...mentioned]) expect(wrong(line), line).toBeNull()
  })
  it('that are not are found', () => {
    expect(wrong('nodes inivte')).toMatch(/no such command/)
    expect(wrong('nodes invite --cuont 3')).toMatch(/no option/)
    expect(wrong('nodes invite --count')).toMatch(/without a value/)
    expect(wrong('nodes revoke')).toMatch(/0 arguments/)
  })
  it('of the page have codes that there are, and links that lead somewhere', () => {
    const codes = inCode(PAGE).filter((code) => /^[a-z]+\/[a-z-]+$/.test(code))
    for (const code of codes.filter((one) => !one.startsWith('deploy/')))
      expect(isErrorCode(code), code).toBe(true)
    const headings = [...PAGE.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
      text
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    )
    for (const [, target = ''] of PAGE.matchAll(/\]\(([^)]+)\)/g)) {
      if (target.startsWith('#')) expect(headings).toContain(target.slice(1))
      else expect(() => read(`docs/${target}`), target).not.toThrow()
    }
  })
  it.each(['deploy/tributary-coordinator.service', 'deploy/tributary-node.service'])(
    'of %s are ones that the program has, and systemd takes it',
    (name) => {
      const unit = read(name)
      const [, command = ''] = /^ExecStart=\/opt\/tributary\/bin\/tributary (.+)$/m.exec(unit) ?? []
      expect(wrong(command)).toBeNull()
      expect(unit).toMatch(/^KillMode=mixed$/m)
      expect(unit).toMatch(/^LimitCORE=0$/m)
      const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])
      expect(seconds * 1000).toBeGreaterThan(SERVER_LIMITS.drainMs)
      verifyUnit(unit)
    },
  )
  it('of the image and the compose file are ones that the program has', () => {
    const image = read('deploy/Dockerfile')
    const [, health = '[]'] = /^ {2}CMD (\[.+\])$/m.exec(image) ?? []
    const [, start = '[]'] = /^CMD (\[.+\])$/m.exec(image) ?? []
    const argv = (text: string): string => (JSON.parse(text) as string[]).join(' ')
    expect(wrong(argv(health).replace(/^tributary /, ''))).toBeNull()
    expect(wrong(argv(start))).toBeNull()
    expect(image.split('\n').findLast((line) => line.startsWith('USER'))).toBe('USER node')
    const compose = parseYaml(read('deploy/compose.yaml')) as {
      services: { coordinator: { command: string[]; volumes: string[]; read_only: boolean } }
      volumes: object
    }
    const { coordinator } = compose.services
    expect(wrong(coordinator.command.join(' '))).toBeNull()
    expect(coordinator.read_only).toBe(true)
    // What is written lies on volumes, and they are those of the image.
    const mounted = coordinator.volumes.map((volume) => volume.split(':'))
    expect(mounted.map(([name]) => name)).toEqual(Object.keys(compose.volumes))
    const [, declared = '[]'] = /^VOLUME (\[.+\])$/m.exec(image) ?? []
    expect(mounted.map(([, path]) => path)).toEqual(JSON.parse(declared))
    for (const [, path = ''] of image.matchAll(/^COPY --from=build \/app\/(\S+)/gm))
      expect(['node_modules', 'package.json', ...packed()]).toContain(path)
  })
})

const packed = (): readonly string[] =>
  (JSON.parse(read('package.json')) as { files: string[] }).files

/** Where systemd is: it looks for the program, so another takes its place. */
function verifyUnit(unit: string): void {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-unit-'))
  try {
    const file = join(directory, 'tributary.service')
    writeFileSync(file, unit.replace('/opt/tributary/bin/tributary', process.execPath))
    execFileSync('systemd-analyze', ['verify', file], { stdio: 'pipe' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  } finally {
    rmSync(directory, { recursive: true })
  }
}
