/** What the coordinator audits before a run: the run as it is configured, on records of nobody. */
import {
  auditFileSchema,
  type AuditData,
  type AuditFile,
  type AuditGate,
} from '#protocol/audit-config.js'
import { FederationError } from '#protocol/errors.js'
import type { RunConfig } from '#protocol/run-config.js'
import { openSpec } from '#algorithms/audit/run/open-spec.js'
import type { AuditSpec } from '#algorithms/audit/run/spec.js'

/** So many of a class are enough to tell a record from a hundred others; of very many classes, fewer of each. */
const [MOST_OF_A_CLASS, MOST_RECORDS, FEWEST_OF_A_CLASS] = [120, 4000, 48]
/** What the loader of drawn canaries can draw. */
const [SMALLEST_SIDE, LARGEST_SIDE, MOST_CHANNELS] = [8, 512, 4]

/** Throws `audit/not-auditable` where no canaries can be drawn, and what `openSpec` throws. */
export async function gateSpec(config: RunConfig, gate: AuditGate): Promise<AuditSpec> {
  const { own, others, basis } = recordsFor(config, gate)
  const { backend, threads } = config.compute
  const file = auditFileSchema.parse({
    name: config.name,
    run: {},
    records: { data: own, count: gate.count, ...(basis === undefined ? {} : { basis }) },
    auxiliary: others,
    budget: gate.budget,
    seed: config.seed,
  })
  return openSpec(file, {
    ...{ run: config, records: own, auxiliary: others, generator: null },
    // What is everywhere, as for closing rounds. In plain JavaScript an audit would take twenty times as long, and no hash of
    // the run depends on it.
    compute: { backend: backend === 'auto' || backend === 'cpu' ? 'wasm' : backend, threads },
  })
}

interface GateRecords {
  /** The audited records and what they are told from. */
  readonly own: AuditData
  /** What an attacker could have. */
  readonly others: AuditData
  readonly basis: AuditFile['records']['basis']
}

function recordsFor({ task }: RunConfig, { records, count }: AuditGate): GateRecords {
  if (records === undefined) return halves(canaries(task, count), 'canary')
  const { basis, ...data } = records
  return halves(data, basis)
}

/** Two parts without a common record. */
function halves(data: AuditData, basis: GateRecords['basis']): GateRecords {
  const [from, to] = data.share
  const middle = (from + to) / 2
  return {
    own: { ...data, share: [from, middle] },
    others: { ...data, share: [middle, to] },
    basis,
  }
}

/** Written digits of the task's shape; of more classes, more shapes. */
function canaries({ inputShape, classes }: RunConfig['task'], audited: number): AuditData {
  const [height = 0, width = 0, channels = 0] = inputShape
  const isDrawn =
    [height, width].every((side) => side >= SMALLEST_SIDE && side <= LARGEST_SIDE) &&
    channels <= MOST_CHANNELS
  // What is no picture at all cannot be audited on other records either: `auditSpec` says why.
  if (inputShape.length === 3 && !isDrawn)
    throw new FederationError(
      'audit/not-auditable',
      `Canaries can be drawn as pictures of ${SMALLEST_SIDE} × ${SMALLEST_SIDE} to ${LARGEST_SIDE} × ${LARGEST_SIDE} in up to ${MOST_CHANNELS} channels, and the task takes [${inputShape.join(', ')}]; name public records of that shape in audit.records`,
    )
  const ofAClass = Math.floor(MOST_RECORDS / classes.length)
  const each = Math.min(MOST_OF_A_CLASS, Math.max(FEWEST_OF_A_CLASS, ofAClass))
  // Twice: as many again are what an attacker could have.
  const rows = 2 * (each * classes.length + 2 * audited)
  const options = { count: rows, classes: classes.length, height, width, channels }
  const words = Object.entries(options).map(([key, value]) => `${key}=${value}`)
  return { name: 'synthetic', path: ['stroke-digits', ...words].join(':'), share: [0, 1] }
}
