/**
 * Makes a MongoDB server available to the tests: SecantusDB, which speaks MongoDB's protocol, in a Python environment under
 * `.tributary/`. Exit 0 when it is there (again or already, or `TRIBUTARY_MONGO_URL` names another one), 1 when it cannot be
 * had, with the reason. Users of Tributary never need it: they have a server of their own.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, run } from './ready.mjs'

/** The one that the tests were written against; a newer one is tried by changing this line. */
const PACKAGE = 'SecantusDB==0.7.0b3'
const MONGO = join(ROOT, '.tributary/mongo')
const PYTHONS = ['python3', 'python3.11', 'python3.12', 'python3.13', 'python']

const server = (folder) => join(folder, 'bin/secantusd-py')
const isWorking = (folder) =>
  existsSync(server(folder)) &&
  spawnSync(server(folder), ['--help'], { stdio: 'ignore' }).status === 0

function fail(reason) {
  process.stderr.write(`error ${reason}\n`)
  process.exit(1)
}

if ((process.env.TRIBUTARY_MONGO_URL ?? '') !== '' || isWorking(MONGO)) process.exit(0)
const python = PYTHONS.find(
  (name) => spawnSync(name, ['-c', 'import venv, ensurepip'], { stdio: 'ignore' }).status === 0,
)
if (python === undefined) fail('no Python 3 with venv and pip was found')
mkdirSync(join(ROOT, '.tributary'), { recursive: true })
rmSync(MONGO, { recursive: true, force: true })
// Scripts of an environment name its folder, so it is made where it stays; a stamp would be no safer than trying it.
if (run(python, ['-m', 'venv', MONGO]) !== 0) fail(`${python} could not make an environment`)
const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', PACKAGE]
if (run(join(MONGO, 'bin/python'), pip) !== 0) fail(`pip could not install ${PACKAGE}`)
if (!isWorking(MONGO)) fail(`${PACKAGE} was installed and does not start`)
