/** What the rest of the system takes from data/. */
export {
  clientData,
  openAllClients,
  openClientData,
  type AllClientsRequest,
  type ClientDataRequest,
  type ClientShare,
} from './client-data.js'
export { matchCard } from './data-card.js'
export {
  countLabels,
  everyIndex,
  takeRows,
  wholeDataset,
  type ClientData,
  type Dataset,
  type Examples,
  type Scaling,
} from './dataset.js'
export { inspectDataset, type DatasetFacts } from './inspect.js'
export {
  formatDataSource,
  loadDataset,
  LOADERS,
  openSource,
  parseDataSource,
  publicSourceName,
  type SplitSource,
} from './loaders/loader-list.js'
export { parseShift, type ShiftSpec } from './shifts/shift.js'
export { describeShift, type ShiftCounts } from './shifts/shift-domains.js'
export {
  describePartition,
  parsePartition,
  parseShard,
  partition,
  PARTITIONERS,
  type ShareCounts,
} from './partitioners/partitioner-list.js'
