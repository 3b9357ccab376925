import type { JsonObject } from '#protocol/json.js'

/** Experiments that make sense where nodes bring data of their own, by the names of their files; what a person would call them. */
export const EXAMPLE_TITLES: ReadonlyMap<string, string> = new Map([
  ['mnist-demo', 'The demo: FedAvg on MNIST'],
  ['mnist-fedavg-dirichlet', 'FedAvg on MNIST, 20 rounds'],
  ['mnist-fedprox-dirichlet', 'FedProx on MNIST'],
  ['mnist-scaffold-shards', 'SCAFFOLD on MNIST'],
  ['mnist-fednova-quantity', 'FedNova on MNIST'],
  ['mnist-moon-dirichlet', 'MOON on MNIST'],
  ['mnist-apfl-dirichlet', 'APFL on MNIST: a model for each node'],
  ['mnist-cnn-100-clients', 'A larger cohort: a CNN on MNIST'],
])

/** The configuration in an experiment: without the data that a simulation deals, which nodes have themselves. */
export function configOfExample({ data: _, variants: _others, ...config }: JsonObject): JsonObject {
  return config
}
