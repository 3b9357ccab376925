import type { JsonObject } from './json.js'

/** One row: the HTTP status at the edge, whether trying again can help, and what a person should do. */
interface ErrorKind {
  readonly status: number
  readonly retryable: boolean
  readonly exit: 1 | 2
  readonly advice: string
}
const row = (status: number, exit: 1 | 2, advice: string): ErrorKind => ({
  status,
  retryable: false,
  exit,
  advice,
})
const retryable = (status: number, advice: string): ErrorKind => ({
  status,
  retryable: true,
  exit: 1,
  advice,
})

/** Every error code of the system, once. Codes are never reused for another meaning. */
export const ERRORS = {
  'usage/unknown-option': row(400, 2, 'Run the command with --help to see its options'),
  'usage/bad-value': row(400, 2, 'Correct the value; --help shows what is accepted'),
  'usage/node-version': row(400, 2, 'Install Node.js 20.19 or newer'),
  'config/invalid': row(400, 2, 'Correct the key named in the message'),
  'config/unreadable': row(400, 2, 'Pass a JSON file, or the name of a shipped experiment'),
  'config/unknown-name': row(400, 2, 'Use one of the names listed in the message'),
  'config/impossible': row(400, 2, 'Change one of the two settings named in the message'),
  'config/too-large': row(
    413,
    2,
    'Make what the message names smaller, or raise the limits of the coordinator: --max-update-mb, --max-round-mb',
  ),
  'data/not-found': row(404, 2, 'Check the path, or use a built-in data set'),
  'data/corrupt': row(400, 2, 'Fetch the file again; it does not hold what its header says'),
  'data/bad-partition': row(
    400,
    2,
    'Write the partition as NAME[:PARAMETER][:seed=N] and the shard as I/N',
  ),
  'data/bad-shift': row(
    400,
    2,
    'Write the shift as mixed, split or skewed=ALPHA, then :DOMAIN,DOMAIN[:seed=N]; docs/data.md lists the steps of a domain',
  ),
  'data/mismatch': row(
    409,
    2,
    'Join with data of the shape and classes (in order) that the run asks for',
  ),
  'bundle/malformed': row(400, 1, 'Send a bundle as docs/protocol.md describes it'),
  'bundle/too-large': row(413, 1, 'Send fewer or smaller tensors, or raise the limit'),
  'frame/malformed': row(400, 1, 'Send a frame as docs/protocol.md describes it'),
  'message/malformed': row(
    400,
    1,
    'Send the message as docs/protocol.md describes it; check that both sides have the same version',
  ),
  'auth/bad-code': row(
    401,
    1,
    'Ask the administrator for a new code: tributary nodes invite, or users code NAME for a person',
  ),
  'auth/expired-code': row(401, 1, 'Ask the administrator for a new code: tributary nodes invite'),
  'auth/bad-token': row(401, 1, 'Sign in again: tributary sign-in URL --user NAME'),
  'auth/bad-password': row(
    401,
    1,
    'Try again, or ask the administrator for a code: tributary users code NAME',
  ),
  'auth/weak-password': row(400, 1, 'Choose a longer password'),
  'auth/sign-in-again': row(403, 1, 'Sign in again: tributary sign-in URL --user NAME'),
  'auth/forbidden': row(403, 1, 'Ask the administrator for the right to do this'),
  'auth/too-many-tries': retryable(429, 'Wait a minute, then try again'),
  'tls/required': row(
    400,
    2,
    'Pass --tls-cert and --tls-key, or --tls-self-signed; or --insecure where something else encrypts the connection',
  ),
  'tls/unreadable': row(
    400,
    2,
    'Pass a certificate and its private key as PEM files that this user may read',
  ),
  'tls/certificate-unknown': row(
    400,
    1,
    "Ask the coordinator's administrator for the fingerprint and pass --fingerprint, or pass --ca with the authority's certificate",
  ),
  'tls/certificate-changed': row(
    400,
    1,
    'Someone may be in between. Ask the administrator, not over this connection, whether the certificate was changed; if so, pass the new --fingerprint',
  ),
  'http/not-found': row(404, 1, 'Check the address and the id'),
  'user/exists': row(409, 1, 'Choose another name; names of people who were revoked stay taken'),
  'user/not-found': row(404, 1, 'List the people with: tributary users list'),
  'run/not-found': row(404, 1, 'List the runs with: tributary runs list'),
  'run/hidden': row(
    403,
    1,
    'Nothing: privacy settings of the run keep it from everyone; what is shown are sums over all members',
  ),
  'run/no-keys': row(
    409,
    1,
    'Ask for the keys of a run whose method routes by keys, such as fedins',
  ),
  'run/finished': row(409, 1, 'Start a new run'),
  'run/under-way': row(
    409,
    1,
    'Wait for its end (tributary runs watch RUN), or stop it (tributary runs stop RUN)',
  ),
  'round/closed': row(409, 1, 'Nothing: the round closed before this update arrived'),
  'round/not-leased': row(409, 1, 'Nothing: this node has no task in that round'),
  'round/too-few-reporters': retryable(
    409,
    'Connect more nodes, lower cohort.minReporters or extend cohort.deadlineSeconds',
  ),
  'update/conflict': row(
    409,
    1,
    'Nothing: another update of this node already counts in the round',
  ),
  'update/malformed': row(400, 1, 'Send the tensors that the task asked for'),
  'update/not-finite': row(
    400,
    1,
    'Lower the learning rate or clip gradients: training produced NaN or infinity',
  ),
  'update/out-of-range': row(400, 1, 'Lower the learning rate, or raise aggregation.maxAbs'),
  'update/norm-too-large': row(
    400,
    1,
    'Use the version of tributary that the coordinator has: nodes apply the update transforms of a run before they send',
  ),
  'update/bad-weight': row(400, 1, 'Raise aggregation.maxExamples, or use fewer examples'),
  'update/corrupt': retryable(400, 'Send the update again: its bytes do not match their hash'),
  'upload/out-of-order': retryable(409, 'Ask for the next chunk index and go on from there'),
  'upload/too-slow': retryable(
    409,
    'Begin the upload again: it stood still, or had no room yet, for longer than the coordinator waits',
  ),
  'task/failed': retryable(500, "See the node's log"),
  'policy/refused': row(
    409,
    1,
    'Ask the owner of the node; docs/client-nodes.md says how a policy is changed',
  ),
  'task/refused': row(409, 1, "See the node's data card"),
  'asset/corrupt': retryable(500, 'Fetch the asset again'),
  'backend/missing': row(400, 2, 'Run: tributary doctor'),
  'backend/broken': row(500, 1, 'Run: tributary doctor'),
  'benchmark/no-browser': row(
    400,
    2,
    'Install Chromium, or name one in $CHROMIUM, and run: npm install playwright-core',
  ),
  'model/does-not-fit': row(400, 2, 'Choose a model for this input shape, or other data'),
  'model/unreadable': row(400, 2, 'Pass a bundle file that a run exported'),
  'model/not-expressible': row(
    409,
    2,
    'Export it as bundle or safetensors, which hold every model',
  ),
  'model/not-found': row(
    404,
    2,
    'Write startFrom as {"file": "x.bundle"} or {"pretrain": {…}}, so that a command brings the bytes along; put start.bundle beside a record to replay it',
  ),
  'model/not-personal': row(
    404,
    2,
    'Use a method with personal models; on a node, tributary client status lists its runs and their models',
  ),
  'pretrain/interrupted': row(409, 1, 'Run the command again: it begins anew'),
  'algorithm/failed': row(500, 1, "Report this with the run's record"),
  'audit/no-consent': row(
    400,
    2,
    'Audit canaries or public records, or say with records.basis why these may be audited',
  ),
  'audit/not-auditable': row(
    409,
    2,
    'Change what the message names; docs/audit.md lists what can be audited',
  ),
  'audit/record-known': row(
    409,
    2,
    'Audit other records, or train the generator on a part of the data without them (--share)',
  ),
  'audit/bad-generator': row(
    400,
    2,
    'Pass a file of tributary audit train-generator, or a module as docs/generators.md describes it',
  ),
  'audit/not-from-records': row(
    409,
    1,
    'Audit records, not an update: what an attack is tried on is computed from records that the operator holds',
  ),
  'audit/data-mismatch': row(
    409,
    2,
    'Choose records, auxiliary data and a generator of the shape and classes that the run asks for',
  ),
  'audit/unwritable': row(400, 2, 'Pass a folder that this user may write to, or make space there'),
  'audit/under-way': row(
    409,
    1,
    'Wait for the end of the audit: tributary runs audit RUN says how long it will take',
  ),
  'audit/above-threshold': row(
    409,
    1,
    'Change the model, the batch size, the local steps or updates; or let an administrator decide: tributary runs override RUN --reason …',
  ),
  'audit/unsound': row(
    409,
    1,
    'Audit more records, or others; or let an administrator decide: tributary runs override RUN --reason …',
  ),
  'audit/bad-report': row(
    400,
    2,
    'Pass the report.json that an audit wrote, unchanged: tributary audit verify REPORT',
  ),
  'audit/lax-thresholds': row(
    409,
    2,
    'Go by the verdict of the usual thresholds, which the message tells; or audit with them: leave out thresholds',
  ),
  'audit/not-trusted': row(
    409,
    2,
    'Audit with a key that counts: that of the coordinator, or one that it was started with as --audit-key; to verify, pass the key of whoever is to have signed',
  ),
  'audit/stale': row(409, 2, 'Audit the run as it is configured now'),
  'audit/too-weak': row(
    409,
    2,
    'Audit with the budget, the number of records and all the attacks that the message names',
  ),
  'store/corrupt': row(500, 1, 'Restore the data directory from a backup'),
  'store/locked': row(
    409,
    1,
    'Another process uses this directory; stop it or choose another directory',
  ),
  'store/elsewhere': row(
    409,
    2,
    'Pass --store with the database that belongs to this data directory, or none if it keeps its own records; tributary store copy moves records',
  ),
  'store/not-empty': row(409, 2, 'Choose a data directory and a database that hold nothing yet'),
  'store/newer-version': row(
    409,
    2,
    'Use the version of tributary that wrote this directory, or a newer one',
  ),
  'vault/no-key': row(
    409,
    2,
    'Pass the file with the master key of this data directory as --master-key',
  ),
  'vault/wrong-key': row(
    409,
    2,
    'Pass the file with the master key of this data directory as --master-key',
  ),
  'store/io': row(500, 1, 'Check free space and permissions of the data directory'),
  'log/broken': row(
    500,
    1,
    'Someone changed the audit log from the entry named in the message on; docs/threat-model.md (T26) says what to do',
  ),
  'coordinator/unreachable': retryable(
    503,
    'Check the address, and that the coordinator is running',
  ),
  'coordinator/stopping': retryable(503, 'Wait until the coordinator is back'),
  'coordinator/port-in-use': row(
    409,
    1,
    'Choose another port with --port, or stop the process that uses this one',
  ),
  'replay/different': row(
    409,
    1,
    'Compare backend, threads, versions and data with the fingerprint',
  ),
  'replay/secret-noise': row(
    409,
    2,
    'Simulate the configuration instead: the noise of nodes comes from keys that only they have',
  ),
  'replay/no-data': row(
    400,
    2,
    'Make the data of every slot available, or replay on a machine that has them',
  ),
  'audit/interrupted': row(409, 1, 'Run the command again with --resume: finished cells are kept'),
  'internal/bug': row(500, 1, 'Report this, with the log'),
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof ERRORS

/** How an error crosses a wire. */
export interface Problem {
  readonly code: ErrorCode
  readonly message: string
}

/** The one error class: a code from the table, a sentence that states the fact and the fix, and details for logs. */
export class FederationError extends Error {
  override readonly name = 'FederationError'
  readonly code: ErrorCode
  readonly details: JsonObject

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: JsonObject; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable
  }
  get status(): number {
    return ERRORS[this.code].status
  }
  get advice(): string {
    return ERRORS[this.code].advice
  }
  get exitCode(): 1 | 2 {
    return ERRORS[this.code].exit
  }
  toProblem(): Problem {
    return { code: this.code, message: this.message }
  }
}

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(ERRORS, text)

/** The error itself if it is one of ours, else an `internal/bug` that keeps it as cause. */
export function asFederationError(
  error: unknown,
  code: ErrorCode = 'internal/bug',
): FederationError {
  if (error instanceof FederationError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new FederationError(code, message, { cause: error })
}
