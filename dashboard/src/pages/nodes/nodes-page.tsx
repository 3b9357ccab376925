import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { ListFilter, Network, Plus } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import type { NodeLine } from '#protocol/server-views.js'
import { count } from '../../look/format.js'
import { Button } from '../../parts/button.js'
import { Confirm } from '../../parts/confirm.js'
import { Busy, Empty } from '../../parts/empty.js'
import { SearchField } from '../../parts/field.js'
import { Page } from '../../parts/page.js'
import { Problem } from '../../parts/problem.js'
import { Segments } from '../../parts/segments.js'
import { sortOf, sortText } from '../../parts/sorting.js'
import { Table } from '../../parts/table.js'
import { problemOf } from '../../server/api.js'
import { api, queryClient } from '../../server/client.js'
import { useLiveList } from '../../server/connection.js'
import { nodesQuery } from '../../server/queries.js'
import { useMay } from '../../server/session.js'
import { NODE_COLUMNS } from './columns.js'
import { NodeDrawer } from './node-drawer.js'
import { chooseNodes, NODE_FILTERS, type NodeFilter } from './node-state.js'
import css from './nodes.module.css'
import type { NodesSearch } from './search.js'

const InviteWindow = lazy(async () => ({
  default: (await import('./invite-window.js')).InviteWindow,
}))
const LABELS: Readonly<Record<NodeFilter, string>> = {
  all: 'All',
  online: 'Online',
  offline: 'Offline',
  revoked: 'Revoked',
}

/** The machines that hold data and train. */
export function NodesPage() {
  useLiveList('nodes')
  const { data: nodes, error, refetch } = useQuery(nodesQuery)
  const mayAdmit = useMay('administrator')
  const [isInviting, setIsInviting] = useState(false)
  const invite = mayAdmit && (
    <Button look="primary" icon={Plus} onPress={() => setIsInviting(true)}>
      Invite a node
    </Button>
  )
  const inviting = isInviting && (
    <Suspense>
      <InviteWindow onClose={() => setIsInviting(false)} />
    </Suspense>
  )
  if (nodes === undefined)
    return (
      <Page title="Nodes">
        {error === null ? (
          <Busy label="Loading nodes …" />
        ) : (
          <Problem error={problemOf(error)} onRetry={() => void refetch()} />
        )}
      </Page>
    )
  if (nodes.length === 0)
    return (
      <Page title="Nodes">
        <Empty icon={Network} title="No nodes yet" action={invite}>
          A node is a machine that keeps its data and trains on it. An administrator invites it with
          a one-time code.
        </Empty>
        {inviting}
      </Page>
    )
  return (
    <>
      <NodeList nodes={nodes} invite={invite} mayRevoke={mayAdmit} />
      {inviting}
    </>
  )
}

function NodeList({
  nodes,
  invite,
  mayRevoke,
}: {
  readonly nodes: readonly NodeLine[]
  readonly invite: React.ReactNode
  readonly mayRevoke: boolean
}) {
  const search = useSearch({ from: '/nodes' })
  const navigate = useNavigate({ from: '/nodes' })
  const change = (next: NodesSearch): void =>
    void navigate({ search: withoutEmpty({ ...search, ...next }), replace: true })
  const { show = 'all', q = '', sort = 'state' } = search
  const { shown, counts } = chooseNodes(nodes, { filter: show, text: q })
  const open = nodes.find(({ nodeId }) => nodeId === search.node)
  const [revoking, setRevoking] = useState<NodeLine | null>(null)
  const toolbar = (
    <>
      <Segments
        label="Which nodes"
        items={NODE_FILTERS.map((id) => ({ id, label: LABELS[id], count: counts[id] }))}
        value={show}
        onChange={(next) => change({ show: next === 'all' ? undefined : next })}
      />
      <span className={css['spacer']} />
      <SearchField
        label="Find nodes"
        value={q}
        onChange={(text) => change({ q: text === '' ? undefined : text })}
      />
    </>
  )
  return (
    <Page title="Nodes" note={count(nodes.length)} actions={invite} toolbar={toolbar} isFlush>
      {shown.length === 0 ? (
        <Empty
          icon={ListFilter}
          title="No node fits"
          action={<Button onPress={() => void navigate({ search: {} })}>Show all nodes</Button>}
        />
      ) : (
        <Table
          caption="Nodes"
          columns={NODE_COLUMNS}
          rows={shown}
          keyOf={(node) => node.nodeId}
          sort={sortOf(sort)}
          onSort={(next) => change({ sort: sortText(next) })}
        />
      )}
      {open !== undefined && (
        <NodeDrawer
          node={open}
          onClose={() => change({ node: undefined })}
          onRevoke={mayRevoke && open.revokedAt === null ? () => setRevoking(open) : null}
        />
      )}
      <RevokeNode node={revoking} onClose={() => setRevoking(null)} />
    </Page>
  )
}

function RevokeNode({
  node,
  onClose,
}: {
  readonly node: NodeLine | null
  readonly onClose: () => void
}) {
  const revoke = async (): Promise<void> => {
    if (node === null) return
    await api.call('POST /api/nodes/:id/revoke', { params: { id: node.nodeId } })
    await queryClient.invalidateQueries(nodesQuery)
  }
  return (
    <Confirm
      isOpen={node !== null}
      onClose={onClose}
      title="Revoke the node?"
      action="Revoke"
      isDanger
      onConfirm={revoke}
    >
      <strong>{node?.name}</strong> is disconnected and cannot come back with its key. What it has
      sent so far goes on counting. To let the machine in again, invite it as a new node.
    </Confirm>
  )
}

/** What is not narrowed stands in no address. */
const withoutEmpty = (search: NodesSearch): NodesSearch =>
  Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined))
