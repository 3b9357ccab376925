import { spawnSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLog } from '#coordinator/ops/log.js'
import { readAuditKey } from '#coordinator/audit-gate/audit-key.js'
import { enrolWithCode, tokenOf } from '#testing/synthetic-identity.js'
import { addPerson, openBrowser, PASSWORD, signingSecret } from './people.js'
import { World } from './world.js'

const json = <T>(text: string): T => JSON.parse(text) as T

describe('SEC-T21: secrets, wherever they might have got to', () => {
  let world: World
  let written = ''
  /** By what they are. */
  const secrets = new Map<string, string>()
  beforeAll(async () => {
    const log = createLog('trace', { write: (line: string) => void (written += line) })
    world = await World.open({ log })
    const person = await addPerson(world, 'ana', 'administrator')
    const browser = await openBrowser(world, 'ana')
    const invitation = await world.call(['POST', '/api/nodes/invite'], { body: '{}' })
    const { code } = json<{ code: string }>(invitation.text)
    const unused = json<{ code: string }>(
      (await world.call(['POST', '/api/nodes/invite'], { body: '{}' })).text,
    )
    const identity = await enrolWithCode(world.url, code, 'a')
    const node = await world.join('a', identity)
    secrets
      .set('password', PASSWORD)
      .set('wrong password', 'a password of somebody else 12345')
      .set('access token', person.token)
      .set('session', person.session)
      .set('cookie', browser.cookie.split('=')[1]!.split(';')[0]!)
      .set('csrf token', browser.csrfToken)
      .set('used code', code)
      .set('unused code', unused.code)
      .set("node's private key", identity.privateKey)
      .set("node's token", await tokenOf(world.url, identity))
      .set('signing secret', (await signingSecret(world)).toString('hex'))
      .set('audit key', (await readAuditKey(world.dataDir))?.privateKey ?? '')
      .set("operator's token", world.people)
    // Everything that can go wrong, with a secret in it.
    for (const secret of secrets.values()) {
      const body = JSON.stringify({ code: secret, password: secret, extra: secret })
      for (const path of ['/api/sign-in', '/api/renew', '/api/enrol', '/api/token', '/api/runs'])
        await world.call(['POST', path], { body, headers: { 'x-note': secret.slice(0, 100) } })
      await world.call(['POST', '/api/sign-in'], {
        body: JSON.stringify({ name: 'ana', password: secret.slice(0, 200) }),
      })
      await world.call(['GET', `/api/runs/${secret.slice(0, 300)}?token=${secret.slice(0, 300)}`])
      await world.call(['GET', '/api/runs'], { token: secret.slice(0, 300).replaceAll(' ', '') })
      await node.ask('node:hello', { token: secret }).catch(() => undefined)
    }
  })
  afterAll(() => world.close())
  const places = (text: string): readonly string[] =>
    [...secrets].filter(([, secret]) => text.includes(secret)).map(([what]) => what)

  it('SEC-T21: are in no line of the log, at its most talkative', () => {
    expect(written.split('\n').length).toBeGreaterThan(50)
    expect(places(written)).toEqual([])
  })
  it('SEC-T21: are in no metric, and in no answer that did not have to bring them', async () => {
    for (const path of [
      '/metrics',
      '/healthz',
      '/readyz',
      '/api/status',
      '/api/nodes',
      '/api/users',
    ])
      expect([path, places((await world.call(['GET', path])).text)]).toEqual([path, []])
    for (const path of ['/api/log', '/api/log/known', '/api/runs', '/api/schema/run-config'])
      expect([path, places((await world.call(['GET', path])).text)]).toEqual([path, []])
  })
  it('SEC-T21: are in no file of the data directory but the three that are there for them', async () => {
    const files = (await readdir(world.dataDir, { recursive: true, withFileTypes: true })).filter(
      (entry) => entry.isFile(),
    )
    expect(files.length).toBeGreaterThan(3)
    for (const { parentPath, name } of files) {
      const found = places(await readFile(join(parentPath, name), 'latin1'))
      const allowed: Readonly<Record<string, readonly string[]>> = {
        'signing-secret': ['signing secret'],
        'audit-key': ['audit key'],
        // Renewed every few minutes, so it may be another by now.
        'operator.json': ["operator's token"],
      }
      expect([name, found.filter((what) => !(allowed[name] ?? []).includes(what))]).toEqual([
        name,
        [],
      ])
    }
  })
  it('SEC-T21: are in no error: what the caller sent is not sent back', async () => {
    const wrong = secrets.get('wrong password')!
    for (const body of [`{"password":"${wrong}"`, `{"name":"ana","password":"${wrong}","x":1}`]) {
      const { text } = await world.call(['POST', '/api/sign-in'], { body })
      expect(text).not.toContain(wrong)
      expect(json<{ requestId?: string }>(text).requestId).toMatch(/^[\w-]+$/)
    }
  })
  it('SEC-T21: no key is among the files of the project, and no process is told to write its memory to disk', () => {
    const listed = spawnSync('git', ['grep', '-lE', 'BEGIN [A-Z ]*PRIVATE KEY-----'], {
      encoding: 'utf8',
    })
    const files = listed.stdout.split('\n').filter(Boolean)
    expect(files.filter((file) => !/\.(ts|md)$/.test(file))).toEqual([])
    const dumps = spawnSync(
      'git',
      [
        'grep',
        '-lE',
        'heapsnapshot-near-heap-limit|report-on-fatalerror|abort-on-uncaught',
        '--',
        ':!testing',
      ],
      { encoding: 'utf8' },
    )
    expect(dumps.stdout).toBe('')
  })
})
