/** What a node keeps, for its owner. */
import type { ClassBytes, JournalRun, JournalTask, NodeJournal } from '#client/journal.js'
import type { NodeStatus, RunStatus } from '#client/status.js'
import { levelText } from '#protocol/audit-level.js'
import type { Policy } from '#protocol/policy.js'
import type { Output } from './output.js'

const number = (value: number): string => value.toLocaleString('en')

export function policyText(policy: Policy): string {
  const { perExample, methods, minCohort, maxClip, minNoise } = policy
  return [
    `Policy: uploads about single examples ${perExample ? 'are allowed' : 'are refused'}`,
    methods === null ? 'any method' : `only ${methods.join(', ')}`,
    minCohort === 1 ? 'rounds of any size' : `rounds of at least ${minCohort} members`,
    ...(maxClip === undefined ? [] : [`only updates that are clipped to ${maxClip} or less`]),
    ...auditPolicyTexts(policy),
    ...(minNoise === undefined ? [] : [`only updates with noise of ${minNoise} or more`]),
  ].join('; ')
}

function auditPolicyTexts({ audit }: Policy): readonly string[] {
  if (audit === undefined) return []
  const whose = audit.key === null ? '' : `, signed with ${audit.key}`
  const says = `only runs whose privacy audit says ${levelText(audit.most)} at most`
  return [
    `${says}, with budget ${audit.budget} or more and ${audit.records} records or more${whose}`,
  ]
}

const MODELS: Readonly<Record<RunStatus['personalModel'], string>> = {
  kept: 'yes',
  'not-yet': 'not yet',
  none: 'none: one for all',
}

export function printStatus(out: Output, status: NodeStatus): void {
  const { policy, runs, openTasks, bytesSent } = status
  out.say(`${status.name} (${status.nodeId}) at ${status.coordinator}`)
  out.say(`State   ${status.stateDirectory}`)
  if (policy !== null) out.say(policyText(policy))
  out.say(
    `Updates ${status.updatesSent} sent, ${openTasks.length} of them with an open fate; tasks refused by the policy: ${status.refused}`,
  )
  out.say(`Left    ${classText(bytesSent)}`)
  if (runs.length === 0) return out.say('No task of any run yet')
  out.table(
    ['run', 'id', 'method', 'slot', 'round', 'memory', 'personal model'],
    runs.map((run) => [
      ...[run.name, run.runId, run.method, run.slot, run.round],
      ...[run.hasMemory ? 'yes' : 'none', MODELS[run.personalModel]],
    ]),
  )
}

const classText = (bytes: ClassBytes): string => {
  const classes = Object.entries(bytes).map(([kind, count]) => `${kind} ${number(count)} bytes`)
  return classes.length === 0 ? 'nothing' : classes.join(', ')
}

const FATES: Readonly<Record<JournalTask['fate'], string>> = {
  accepted: 'counted',
  refused: 'not counted',
  abandoned: 'round given up',
  open: 'not known yet',
  policy: 'refused here',
}

/** A line a task with a column for each class of bytes, a line with the sums of each run, and the reasons of refusals. */
export function printJournal(out: Output, { runs, bytes }: NodeJournal): void {
  if (runs.length === 0) return out.say('Nothing has left this node')
  const classes = Object.keys(bytes)
  const cells = (of: ClassBytes): readonly string[] =>
    classes.map((kind) => (of[kind] === undefined ? '–' : number(of[kind])))
  const rowOf =
    ({ name }: JournalRun) =>
    (task: JournalTask): readonly (string | number)[] => [
      ...[name, task.round, task.part, task.method, FATES[task.fate]],
      ...cells(task.bytes),
    ]
  const sumOf = (name: string, of: ClassBytes): readonly string[] => [
    ...[name, 'all', '', '', ''],
    ...cells(of),
  ]
  out.table(
    ['run', 'round', 'part', 'method', 'fate', ...classes],
    [
      ...runs.flatMap((run) => [...run.tasks.map(rowOf(run)), sumOf(run.name, run.bytes)]),
      ...(runs.length > 1 ? [sumOf('all runs', bytes)] : []),
    ],
  )
  for (const { name, tasks } of runs) {
    for (const reason of new Set(tasks.flatMap((task) => task.reason ?? [])))
      out.say(`Refused in ${name}: ${reason}`)
  }
}
