import type { NodeTasks } from './node-tasks.js'
import type { OpenRound } from './open-round.js'

/**
 * Why nobody works on an open round: every member that is missing is away, or has another run's task first. Null when somebody
 * does, or it is over. `now` on the round's clock.
 */
export function waitingText(round: OpenRound, tasks: NodeTasks, now: number): string | null {
  const missing = round.assignments.filter(
    ({ standing }) => standing === 'working' || standing === 'lost',
  )
  if (!round.isOpen || missing.length === 0) return null
  const clauses: string[] = []
  for (const assignment of missing) {
    const obstacle = tasks.obstacle(assignment)
    if (obstacle === null) return null
    clauses.push(`${assignment.name} ${obstacle}`)
  }
  const { cohort, round: number } = round.opening
  const reported = `${cohort.length - missing.length} of ${cohort.length}`
  const left = Math.round(round.secondsLeft(now))
  return `Round ${number} has heard from ${reported} members and waits at most ${left} s more: ${clauses.join(', ')}`
}
