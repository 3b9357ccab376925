import { COMMAND } from '../command-name.js'
import type { Command } from 'commander'
import type { HttpAnswer } from '#protocol/http-api.js'
import { addCommand, integer } from '../command.js'
import { coolDownLines } from '../cool-down-text.js'
import { connect, remoteOptions, type RemoteOptions } from '../sign-in.js'
import { fingerprintFlag } from '../trust-options.js'

type NodeView = HttpAnswer<'GET /api/nodes'>['nodes'][number]

export function registerNodes(program: Command): void {
  const nodes = program.command('nodes').description('invite, list and revoke client nodes')
  addCommand<RemoteOptions & { minutes: number; count: number }>(nodes, 'invite', {
    describe: 'make a one-time code with which a node enrols',
    options: (command) =>
      remoteOptions(command)
        .option(
          '--minutes <n>',
          'how long the code is good for',
          integer({ min: 1, max: 10_080 }),
          60,
        )
        .option('--count <n>', 'how many codes', integer({ min: 1, max: 100 }), 1),
    run: async ({ out }, options) => {
      const api = await connect(options)
      const invitations = []
      for (let made = 0; made < options.count; made += 1) {
        const invitation = await api.call('POST /api/nodes/invite', {
          body: { minutes: options.minutes },
        })
        invitations.push(invitation)
        out.say(`${invitation.code}   until ${invitation.expiresAt}`)
        out.say(
          `  ${COMMAND} client join ${api.url} --code ${invitation.code}${fingerprintFlag(api.url)} --data mnist`,
        )
      }
      out.finish('nodes:invite', { url: api.url, invitations })
    },
  })
  registerListAndRevoke(nodes)
}

function registerListAndRevoke(nodes: Command): void {
  addCommand<RemoteOptions>(nodes, 'list', {
    describe: 'enrolled nodes, and which are connected',
    options: remoteOptions,
    run: async ({ out }, options) => {
      const api = await connect(options)
      const { nodes: all } = await api.call('GET /api/nodes')
      out.table(
        ['node', 'name', 'state', 'backend', 'task', 'enrolled'],
        all.map((node) => [
          node.nodeId,
          node.name,
          stateOf(node),
          node.engine?.backend ?? '–',
          taskText(node.task),
          node.enrolledAt,
        ]),
      )
      for (const line of coolDownLines(all)) out.say(line)
      if (all.length === 0) out.say(`No node yet. Invite one:  ${COMMAND} nodes invite`)
      out.finish('nodes:list', { nodes: all })
    },
  })
  addCommand<RemoteOptions>(nodes, 'revoke <node>', {
    describe: 'end a node’s right to connect',
    options: remoteOptions,
    run: async ({ out }, options, [node]) => {
      const api = await connect(options)
      await api.call('POST /api/nodes/:id/revoke', { id: node ?? '' })
      out.say(`Revoked ${node ?? ''}`)
      out.finish('nodes:revoke', { nodeId: node })
    },
  })
}

function taskText(task: NodeView['task']): string {
  if (task === null) return '–'
  const { runId, round, progress } = task
  const share =
    progress === null
      ? ''
      : `, ${Math.round((100 * progress.done) / Math.max(progress.total, 1))} %`
  return `${runId} round ${round}${share}`
}
const stateOf = (node: NodeView): string => {
  if (node.revokedAt !== null) return 'revoked'
  return node.online ? 'online' : 'offline'
}
