import { queryOptions } from '@tanstack/react-query'
import type { JsonObject } from '#protocol/json.js'
import { api } from './client.js'

/** A list is known by its name, by which the coordinator tells that it changed. */
export const runsQuery = queryOptions({
  queryKey: ['list', 'runs'],
  queryFn: ({ signal }) => api.call('GET /api/runs', { signal }),
  select: ({ runs }) => runs,
})
export const statusQuery = queryOptions({
  queryKey: ['status'],
  queryFn: ({ signal }) => api.call('GET /api/status', { signal }),
})
export const nodesQuery = queryOptions({
  queryKey: ['list', 'nodes'],
  queryFn: ({ signal }) => api.call('GET /api/nodes', { signal }),
  select: ({ nodes }) => nodes,
})
export const usersQuery = queryOptions({
  queryKey: ['users'],
  queryFn: ({ signal }) => api.call('GET /api/users', { signal }),
  select: ({ users }) => users,
})
/** They change as runs do. */
export const auditsQuery = queryOptions({
  queryKey: ['list', 'runs', 'audits'],
  queryFn: ({ signal }) => api.call('GET /api/audits', { signal }),
  select: ({ audits }) => audits,
})
/** With its report, which is large: asked for again only while there is none yet. */
export const auditQuery = (runId: string) =>
  queryOptions({
    queryKey: ['audit', runId],
    queryFn: ({ signal }) => api.call('GET /api/runs/:id/audit', { params: { id: runId }, signal }),
    refetchInterval: ({ state }) => (state.data?.state === 'under-way' ? 2000 : false),
  })
export const operationsQuery = queryOptions({
  queryKey: ['list', 'operations'],
  queryFn: ({ signal }) => api.call('GET /api/operations', { signal }),
})
/** Entries of the audit log after number `after`. */
export const logQuery = (after: number) =>
  queryOptions({
    queryKey: ['log', after],
    queryFn: ({ signal }) => api.call('GET /api/log', { query: { after }, signal }),
    select: ({ entries }) => entries,
  })
/** As the coordinator's own version has it. */
export const configSchemaQuery = queryOptions({
  queryKey: ['config-schema'],
  queryFn: ({ signal }) => api.call('GET /api/schema/run-config', { signal }),
  staleTime: Infinity,
})
/** Of a run, which never changes. */
export const runConfigQuery = (runId: string) =>
  queryOptions({
    queryKey: ['run-config', runId],
    queryFn: async ({ signal }): Promise<JsonObject> => {
      const { config } = await api.call('GET /api/runs/:id/view', { params: { id: runId }, signal })
      return config
    },
    staleTime: Infinity,
  })
