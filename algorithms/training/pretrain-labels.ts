import { FederationError } from '#protocol/errors.js'
import type { PretrainOptions } from '#protocol/pretrain-options.js'
import type { Dataset } from '#data/dataset.js'

/**
 * The same rows with other labels. domain: which of the G domains a row is from. joint: class · G + domain, so that the
 * features must tell the domains apart as well. Throws `config/impossible` when the data have no domains.
 */
export function relabelled(dataset: Dataset, labels: PretrainOptions['labels']): Dataset {
  if (labels === 'class') return dataset
  const { domains, classes } = dataset
  if (domains === undefined) {
    throw new FederationError(
      'config/impossible',
      `labels: ${labels} needs data with domains; add data.shift, or choose labels: class`,
    )
  }
  const { names, of } = domains
  if (labels === 'domain') return { ...dataset, classes: names, labels: Int32Array.from(of) }
  return {
    ...dataset,
    classes: classes.flatMap((one) => names.map((domain) => `${one}/${domain}`)),
    labels: dataset.labels.map((label, row) => label * names.length + of[row]!),
  }
}
