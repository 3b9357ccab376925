import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const SCRIPT = readFileSync(new URL('../deploy/tributary.sh', import.meta.url), 'utf8')

describe('deploy/tributary.sh', () => {
  let directory = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tributary-command-'))
  })
  afterEach(() => {
    rmSync(directory, { recursive: true })
  })

  /** What the program would be started with, when /etc/tributary/environment holds a text; null: there is no such file. */
  function started(text: string | null): {
    readonly env: Readonly<Record<string, string>>
    readonly stderr: string
  } {
    const file = join(directory, 'environment')
    if (text !== null) writeFileSync(file, text)
    const script = SCRIPT.replaceAll('/etc/tributary/environment', file)
      .replace('cd /var/lib/tributary ', `cd ${directory} `)
      .replace(/^exec runuser .+$/m, 'exec env -0')
    const ended = spawnSync('sh', ['-c', script], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '' },
    })
    expect(ended.status, ended.stderr).toBe(0)
    const pairs = ended.stdout
      .split('\0')
      .filter((pair) => pair !== '')
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const)
    return { env: Object.fromEntries(pairs), stderr: ended.stderr }
  }
  const URL_OF_STORE = 'mongodb://u:p$HOME@db.example/t?authSource=admin&tls=true'

  it.each([
    ['as it is', `TRIBUTARY_STORE=${URL_OF_STORE}\n`],
    ['in double quotes', `TRIBUTARY_STORE="${URL_OF_STORE}"\n`],
    ['in single quotes', `TRIBUTARY_STORE='${URL_OF_STORE}'\n`],
    ['on a last line that does not end', `TRIBUTARY_STORE=${URL_OF_STORE}`],
    ['with space around', `  TRIBUTARY_STORE = ${URL_OF_STORE} \t\r\n`],
    ['among comments and empty lines', `# a\n; b=c\n\n  \nTRIBUTARY_STORE=${URL_OF_STORE}\n#x=y\n`],
  ])('passes the address of a database on, written %s', (_how, text) => {
    const { env, stderr } = started(text)
    expect(stderr).toBe('')
    expect(env['TRIBUTARY_STORE']).toBe(URL_OF_STORE)
    expect(env['TRIBUTARY_DATA_DIR']).toBe('/var/lib/tributary/data')
  })

  it('runs nothing of the file, and says which kind of line it leaves out, without what is in it', () => {
    const { env, stderr } = started(
      'A=$(exit 1)\nexit 1\n=secret\n1A=secret\nA B=secret\nTRIBUTARY_DATA_DIR=/srv/data\n',
    )
    expect(env['A']).toBe('$(exit 1)')
    expect(env['TRIBUTARY_DATA_DIR']).toBe('/srv/data')
    expect(stderr.match(/is not NAME=VALUE/g)).toHaveLength(4)
    expect(stderr).not.toContain('secret')
  })

  it('needs no such file', () => {
    const { env, stderr } = started(null)
    expect(stderr).toBe('')
    expect(env['TRIBUTARY_MASTER_KEY']).toBe('/var/lib/tributary-keys/master.key')
  })
})
