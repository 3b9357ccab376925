/** The text of docs/configuration.md: an introduction by hand, and tables from the schema. */
import { tableOf, type ConfigRow } from '#protocol/config-table.js'
import { pretrainSchema } from '#protocol/pretrain-options.js'
import { configDefaultsTable, type ConfigCatalogue } from '#protocol/run-config.js'

export const COMMAND =
  'node --conditions=source --import tsx scripts/write-configuration-doc-main.ts'

/** What the introduction shows; a test holds it against the schema. */
export const EXAMPLE = {
  name: 'skewed-digits',
  model: { name: 'mlp', hidden: [128] },
  method: { name: 'fedprox', mu: 0.1 },
  training: { localEpochs: 2, optimizer: { learningRate: 0.05, momentum: 0.9 } },
  cohort: { size: 10, minReporters: 8, deadlineSeconds: 120 },
  evaluation: { central: { name: 'mnist' } },
  data: { name: 'mnist', partition: 'dirichlet:0.5:seed=7', clients: 100 },
  rounds: 20,
  seed: 7,
}

const INTRODUCTION = `# Configuration

A run is described by one JSON object. What is not written has the default below; a key or a name that does not exist is an
error that says which one may have been meant. The complete configuration, with every default filled in, becomes part of
the run's record, so a later version with other defaults repeats an old run unchanged.

\`\`\`json
${JSON.stringify(EXAMPLE, null, 2)}
\`\`\`

    npx tributary simulate mine.json                       # needs \`data\`: the clients' shares are made from it
    npx tributary runs start mine.json --watch             # on nodes with data of their own: needs \`task\`, not \`data\`
    npx tributary simulate mine.json --set rounds=5 --set 'model.hidden=[64]'

* **Choices** (\`model\`, \`method\`, \`calibration\`, \`training.optimizer\`, \`aggregation.serverOptimizer\`) are an object with a \`name\` and that
  entry's own options. \`method(fedprox).mu\` in the tables is the key \`mu\` of \`method\` when its name is \`fedprox\`. Options
  without a name are those of the default choice.
* **No default** means that the key may be left out, except \`task.inputShape\` and \`task.classes\` (a simulation knows them from
  its \`data\`) and the \`name\` of a data set ([data.md](data.md) lists them).
* Some parts exclude each other (\`scaffold\` and momentum): the run is refused with the reason before anything is sent.
* As JSON Schema, for editors and forms: \`GET /api/schema/run-config\` of a coordinator.
`

const cell = (text: string): string => text.replaceAll('|', '\\|')
const code = (text: string): string => (text === '' ? '' : `\`${cell(text)}\``)
const line = (cells: readonly string[]): string =>
  `|${cells.map((text) => (text === '' ? ' ' : ` ${text} `)).join('|')}|`
const keyLine = ({ path, type, default: value, description }: ConfigRow): string =>
  // A default of {} says no more than the defaults of the keys inside.
  line([code(path), code(type), value === '{}' ? '' : code(value), cell(description)])
/** A table of keys with type, default and meaning. */
export const keyTable = (rows: readonly ConfigRow[]): string =>
  [line(['key', 'type', 'default', 'meaning']), '|---|---|---|---|', ...rows.map(keyLine)].join(
    '\n',
  )

const isTop = ({ path }: ConfigRow): boolean => /^\w+$/.test(path)

const PRETRAIN = 'startFrom.pretrain'
/** Without what `model`, `training.optimizer` and `compute` of a run say already. */
const pretrainRows = (catalogue: ConfigCatalogue): readonly ConfigRow[] =>
  tableOf(pretrainSchema(catalogue), PRETRAIN).filter(({ path }) =>
    /^startFrom\.pretrain\.(\w+|data\.\w+)$/.test(path),
  )

const START = `## startFrom

What a run starts from instead of seeded params: the params of a bundle of the same model. A head for another number of
classes is left out, and the run's own is seeded; everything else must fit. Methods that freeze a backbone take it from here.

* \`null\`: seeded params. A hash of 64 digits: that bundle, which the coordinator or the user's cache must have.
* \`{"file": "x.bundle"}\`: a file, from where the experiment lies (with \`--set\`, from where you stand).
* \`{"pretrain": {…}}\`: one that is [pre-trained](pretraining.md) first, on this machine, and kept for the next time.

\`simulate\` and \`runs start\` make the hash of it that is recorded; \`runs start\` uploads the bundle.
`

/** The keys of the run itself, then a section for every key that holds more keys. */
export function configurationDoc(catalogue: ConfigCatalogue): string {
  const rows = configDefaultsTable(catalogue)
  const below = ({ path }: ConfigRow): readonly ConfigRow[] =>
    rows.filter((row) => row.path.startsWith(`${path}.`) || row.path.startsWith(`${path}(`))
  const sections = rows
    .filter((row) => isTop(row) && below(row).length > 0)
    .map((row) => `## ${row.path}\n\n${row.description}.\n\n${keyTable(below(row))}\n`)
  return [
    INTRODUCTION,
    `## The run\n\n${keyTable(rows.filter(isTop))}\n`,
    `${START}\n${keyTable(pretrainRows(catalogue))}\n`,
    ...sections,
    `---\n\nThe tables are written by \`${COMMAND}\`.\n`,
  ].join('\n')
}
