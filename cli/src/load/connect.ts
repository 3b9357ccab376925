import { setTimeout as pause } from 'node:timers/promises'
import { useOf } from '#simulations/load/process-samples.js'
import { wallMs } from './arena.js'
import { arrivalFile, latencies, measure, megabytes, repeated, type LoadWork } from './bench.js'
import { probe } from './probe.js'

/** Nodes that are there and do nothing: reliability specification §4, L1. */
export const measureConnect: LoadWork = async (arena, { out, signal }, setting) => {
  const { nodes, rate, seconds } = setting
  const withinSeconds = 60 + (2 * nodes) / rate
  out.say(`connect: ${nodes} nodes, ${rate} a second`)
  const startMs = wallMs()
  const { arrivals } = await arena.generator.connect({
    ...{ url: arena.url, identities: arena.identities, rate, withinSeconds },
  })
  const connectMs = wallMs() - startMs
  await arena.generator.forget()
  out.say(
    `connect: ${(await arena.generator.standing()).connected} are there; ${seconds} s of that`,
  )
  const span = [wallMs(), 0] as [number, number]
  await arena.eventLoopLagMs()
  const api = await arena.api()
  const probing = probe(() => api.call('GET /api/status'))
  await pause(seconds * 1000, undefined, { signal })
  const answers = await probing.stop()
  const lagMs = await arena.eventLoopLagMs()
  span[1] = wallMs()
  await arena.watch.sampleNow()
  const { connected, lost, refused } = await arena.generator.standing()
  await arena.watch.stop()
  const [own, came] = [useOf(arena.watch.watched, 'coordinator', span), latencies(arrivals)]
  const heard = latencies(answers)
  return {
    span,
    outcomes: [...[...arrivals, ...answers].map(({ outcome }) => outcome), ...repeated(refused)],
    measures: [
      measure(['connected', 'nodes connected at the end'], connected),
      measure(['connectRate', 'connections, with sign-in'], (nodes * 1000) / connectMs, '/s'),
      measure(
        ['connectP99', 'from when a connection was due to its greeting, p99'],
        came.p99Ms,
        'ms',
      ),
      measure(
        ['rss', 'resident memory of the coordinator, largest'],
        megabytes(own.largestRssBytes),
        'MB',
      ),
      measure(['lost', 'connections lost without being asked to'], lost),
      measure(
        ['refused', 'nodes refused'],
        Object.values(refused).reduce((a, b) => a + b, 0),
      ),
      measure(['lag', 'event loop of the coordinator late by, p99'], lagMs, 'ms'),
      measure(['answerP50', 'answer of GET /api/status, p50'], heard.p50Ms, 'ms'),
      measure(['answerP99', 'answer of GET /api/status, p99'], heard.p99Ms, 'ms'),
      measure(['cpu', 'processor time of the idle coordinator'], own.cpuSeconds / seconds, 'cores'),
      measure(['descriptors', 'open descriptors'], own.mostDescriptors),
    ],
    raw: [arrivalFile('connections', arrivals), arrivalFile('answers', answers)],
  }
}
