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
      return config as unknown as JsonObject
    },
    staleTime: Infinity,
  })
