import { queryOptions } from '@tanstack/react-query'
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
