import type { Command } from 'commander'
import { ROLES, type Role } from '#protocol/roles.js'
import { FederationError } from '#protocol/errors.js'
import { askNewPassword, askPassword, canAsk } from '../ask-password.js'
import { createApi } from '../api.js'
import { addCommand, type Session } from '../command.js'
import { COMMAND } from '../command-name.js'
import { rememberedSession, rememberSession } from '../credentials.js'
import {
  assertAddress,
  connect,
  remoteOptions,
  signIn,
  trust,
  type RemoteOptions,
} from '../sign-in.js'
import { fingerprintFlag, trustOptions, type TrustOptions } from '../trust-options.js'

interface SignInOptions extends TrustOptions {
  readonly user?: string
  readonly code?: string
}

/** How people come in and go, and who they are. */
export function registerPeople(program: Command): void {
  addCommand<SignInOptions>(program, 'sign-in <url>', {
    describe: 'come in at a coordinator: by name and password, or by a one-time code',
    options: (command) =>
      trustOptions(command)
        .option('--user <name>', 'asks for the password, or takes $TRIBUTARY_PASSWORD')
        .option('--code <code>', 'a one-time code; choose a password with it'),
    run: (session, options, [url]) => comeIn(session, options, url ?? ''),
  })
  addCommand<TrustOptions>(program, 'sign-out <url>', {
    describe: 'end the session at a coordinator, wherever it is open',
    options: trustOptions,
    run: (session, options, [url]) => goOut(session, options, url ?? ''),
  })
  registerUsers(program)
}

async function comeIn(
  { out, signal }: Session,
  options: SignInOptions,
  url: string,
): Promise<void> {
  assertAddress(url)
  const { user, code } = options
  if ((user === undefined) === (code === undefined)) {
    const message = 'Say who you are: --user NAME, or --code CODE the first time'
    throw new FederationError('usage/bad-value', message)
  }
  await trust(url, options, null)
  const credentials =
    code === undefined
      ? { name: user ?? '', password: await passwordFor(url, signal) }
      : { code, ...(await chosenPassword(signal)) }
  const { name, role, endsAt } = await signIn(url, credentials)
  out.say(`Signed in at ${url} as ${name} (${role}), until ${endsAt}`)
  if (code !== undefined && !('password' in credentials))
    out.say('No password was chosen: the next time takes another code')
  out.finish('sign-in', { url, name, role, endsAt })
}

const passwordFor = async (url: string, signal: AbortSignal): Promise<string> =>
  process.env['TRIBUTARY_PASSWORD'] ?? askPassword(`Password at ${url}: `, signal)

/** None where there is nobody to ask. */
async function chosenPassword(signal: AbortSignal): Promise<{ readonly password?: string }> {
  const given = process.env['TRIBUTARY_PASSWORD'] ?? (canAsk() ? await askNewPassword(signal) : '')
  return given === '' ? {} : { password: given }
}

async function goOut({ out }: Session, options: TrustOptions, url: string): Promise<void> {
  assertAddress(url)
  await trust(url, options, null)
  const known = await rememberedSession(url)
  if (known === null) throw new FederationError('auth/bad-token', `Nobody is signed in at ${url}`)
  try {
    const anyone = createApi(url, null)
    const { token } = await anyone.call('POST /api/renew', { body: { session: known.session } })
    await createApi(url, token).call('POST /api/sign-out')
  } catch (error) {
    // A session that has ended already needs no ending.
    if (!(error instanceof FederationError && error.code === 'auth/bad-token')) throw error
  }
  await rememberSession(url, null)
  out.say(`${known.name} is signed out at ${url}`)
  out.finish('sign-out', { url, name: known.name })
}

const roleOf = (text: string): Role => {
  const role = ROLES.find((one) => one === text)
  if (role !== undefined) return role
  throw new FederationError('usage/bad-value', `Expected ${ROLES.join(', ')}, got '${text}'`)
}

function registerUsers(program: Command): void {
  const users = program.command('users').description('who may sign in, and as what')
  addCommand<RemoteOptions & { role: Role }>(users, 'add <name>', {
    describe: 'let a person in: makes a one-time code with which they choose a password',
    options: (command) =>
      remoteOptions(command).option('--role <role>', ROLES.join(', '), roleOf, 'viewer'),
    run: async ({ out }, options, [name]) => {
      const api = await connect(options)
      const body = { name: name ?? '', role: options.role }
      const added = await api.call('POST /api/users', { body })
      out.say(`${added.name} may come in once as ${options.role}, until ${added.expiresAt}:`)
      out.say(`  ${COMMAND} sign-in ${api.url} --code ${added.code}${fingerprintFlag(api.url)}`)
      out.finish('users:add', { url: api.url, role: options.role, ...added })
    },
  })
  addCommand<RemoteOptions>(users, 'list', {
    describe: 'the people who may sign in, and who may not any more',
    options: remoteOptions,
    run: async ({ out }, options) => {
      const api = await connect(options)
      const { users: all } = await api.call('GET /api/users')
      out.table(
        ['name', 'role', 'state', 'since'],
        all.map(({ name, role, hasPassword, createdAt, revokedAt }) => {
          const state = hasPassword ? 'active' : 'no password'
          return [name, role, revokedAt === null ? state : 'revoked', createdAt]
        }),
      )
      out.finish('users:list', { users: all })
    },
  })
  registerChanges(users)
  registerOwnPassword(users)
}

function registerChanges(users: Command): void {
  addCommand<RemoteOptions>(users, 'code <name>', {
    describe: 'another code for a person who has lost their password; ends what they had before',
    options: remoteOptions,
    run: async ({ out }, options, [name]) => {
      const api = await connect(options)
      const given = await api.call('POST /api/users/:id/code', { id: name ?? '' })
      out.say(`${given.name} may come in once, until ${given.expiresAt}:`)
      out.say(`  ${COMMAND} sign-in ${api.url} --code ${given.code}${fingerprintFlag(api.url)}`)
      out.finish('users:code', { url: api.url, ...given })
    },
  })
  addCommand<RemoteOptions>(users, 'role <name> <role>', {
    describe: 'another role for a person; they sign in again',
    options: remoteOptions,
    run: async ({ out }, options, [name, text]) => {
      const api = await connect(options)
      const role = roleOf(text ?? '')
      await api.call('POST /api/users/:id/role', { id: name ?? '', body: { role } })
      out.say(`${name ?? ''} is ${role} now`)
      out.finish('users:role', { name, role })
    },
  })
  addCommand<RemoteOptions>(users, 'revoke <name>', {
    describe: 'end a person’s right to come in, at once and for good',
    options: remoteOptions,
    run: async ({ out }, options, [name]) => {
      const api = await connect(options)
      await api.call('POST /api/users/:id/revoke', { id: name ?? '' })
      out.say(`Revoked ${name ?? ''}`)
      out.finish('users:revoke', { name })
    },
  })
}

function registerOwnPassword(users: Command): void {
  addCommand<RemoteOptions>(users, 'password', {
    describe:
      'another password of your own, asked for, or from $TRIBUTARY_PASSWORD and $TRIBUTARY_NEW_PASSWORD; ends your other sessions',
    options: remoteOptions,
    run: async ({ out, signal }, options) => {
      const api = await connect(options)
      const { name } = await api.call('GET /api/session')
      const password = await passwordFor(api.url, signal)
      const newPassword = process.env['TRIBUTARY_NEW_PASSWORD'] ?? (await askNewPassword(signal))
      await api.call('POST /api/password', { body: { password, newPassword } })
      await signIn(api.url, { name, password: newPassword })
      out.say(`${name} has a new password at ${api.url}`)
      out.finish('users:password', { url: api.url, name })
    },
  })
}
