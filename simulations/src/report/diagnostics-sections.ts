/** Sections about why models are as they are: similarity of local models, norms of heads, geometry of features. */
import type { Geometry } from '#protocol/diagnostics.js'
import type { CurveSeries } from './curves.js'
import { diagnosticsOf, GEOMETRY_MEASURES, threeLayers } from './diagnostics.js'
import type {
  DiagnosticsReport,
  GeometryMeasure,
  HeadInRound,
  LayerInRound,
  Similarity,
} from './diagnostics.js'
import type { HeatPanel } from './heat-map.js'
import { html, table, type Html } from './html.js'
import { listed, threeDigits } from './numbers.js'
import { nameOf, type Numbers, type PageFigure, type Section } from './page-parts.js'
import { againstRounds, curvesOf, valueOf } from './subject-figures.js'
import type { Subject } from './subjects.js'
import { rangeOf } from './trajectories.js'

/** A configuration, and the diagnostics of those of its runs that have some. */
interface Diagnosed {
  readonly subject: Subject
  readonly runs: readonly DiagnosticsReport[]
}
/** Pictures of single clients: of so many configurations, so that a page stays a page. */
const MOST_PICTURED = 3
/** Columns of a heat map that can still be told apart. */
const MOST_CLASSES = 100

const diagnosed = (
  subjects: readonly Subject[],
  has: (report: DiagnosticsReport) => boolean,
): readonly Diagnosed[] =>
  subjects
    .map((subject) => ({
      subject,
      runs: subject.runs
        .map(diagnosticsOf)
        .filter((report) => report !== null)
        .filter(has),
    }))
    .filter(({ runs }) => runs.length > 0)

/** Of the first run: clients of runs with other seeds are other clients. */
function pictured<Found>(
  of: readonly Diagnosed[],
  find: (report: DiagnosticsReport) => Found | null,
): readonly { readonly subject: Subject; readonly found: Found }[] {
  return of.slice(0, MOST_PICTURED).flatMap(({ subject, runs: [first] }) => {
    const found = first === undefined ? null : find(first)
    return found === null ? [] : [{ subject, found }]
  })
}
const picturesNote = (of: readonly Diagnosed[]): string =>
  [
    of.length > MOST_PICTURED
      ? ` Single clients are shown of the first ${MOST_PICTURED} configurations.`
      : '',
    of.some(({ runs }) => runs.length > 1)
      ? ' Single clients are those of the run with the smallest seed.'
      : '',
  ].join('')
const lettered = (title: string, { letter }: Subject, of: readonly Diagnosed[]): string =>
  of.length > 1 ? `${title}, ${letter}` : title

export function similaritySection(subjects: readonly Subject[]): Section | null {
  const of = diagnosed(subjects, ({ similarity }) => similarity !== null)
  if (of.length === 0) return null
  const maps = pictured(of, ({ similarity }) => similarity)
  return {
    title: 'Similarity of local models',
    note: `Linear CKA of what local models say of the same examples, before they are averaged: 1 is the same up to rotation, scale and shift. Solid lines are the last round that compared them, dotted ones the first. It describes, and is no score.${biasNote(of)}${maps.length > 0 ? picturesNote(of) : ''}`,
    subjects: of.map(({ subject }) => subject),
    figures: [
      layerCurves(of),
      ...maps.flatMap(({ subject, found }) =>
        pairMaps(lettered('Pairs of clients', subject, of), found),
      ),
    ],
  }
}

function biasNote(of: readonly Diagnosed[]): string {
  const layers = of.flatMap(({ runs }) =>
    runs.flatMap(({ similarity }) => similarity?.layers ?? []),
  )
  const names = [...new Set(layers.filter(({ isBiased }) => isBiased).map(({ name }) => name))]
  return names.length === 0
    ? ''
    : ` Of ${listed(names, 4)} there were fewer examples than four times the width, so that plain values are too high: Numbers has debiased ones.`
}

const TIMES = ['first', 'last'] as const
type Time = (typeof TIMES)[number]

/** Layers in the order in which they first occur. */
const layersIn = (of: readonly Diagnosed[]): readonly string[] => [
  ...new Set(
    of.flatMap(({ runs }) =>
      runs.flatMap(({ similarity }) => similarity?.layers.map(({ name }) => name) ?? []),
    ),
  ),
]
/** Over a configuration's runs; empty where it is undefined in all. */
const layerValues = (
  { runs }: Diagnosed,
  layer: string,
  read: (layer: { readonly [When in Time]: LayerInRound }) => number | null,
): readonly number[] =>
  runs
    .flatMap(({ similarity }) => similarity?.layers.filter(({ name }) => name === layer) ?? [])
    .map(read)
    .filter((value) => value !== null)
const hasTwo = ({ runs }: Diagnosed): boolean =>
  runs.some(({ similarity }) => similarity?.firstRound !== similarity?.lastRound)

function layerCurves(of: readonly Diagnosed[]): PageFigure {
  const names = layersIn(of)
  const series = of.flatMap((one): readonly CurveSeries[] =>
    (hasTwo(one) ? TIMES : (['last'] as const)).map((when) => ({
      name: `${one.subject.label}, ${when}`,
      look: one.subject.place,
      ...(when === 'last' ? { letter: one.subject.letter } : { isFaint: true }),
      points: names.flatMap((name, x) => {
        const values = layerValues(one, name, (layer) => layer[when].cka)
        return values.length === 0 ? [] : [{ x, ...valueOf(rangeOf(values)) }]
      }),
    })),
  )
  return {
    ...{ kind: 'curves', title: 'Mean CKA over pairs of clients, by layer', width: 'full' },
    chart: {
      x: { label: 'layer, from the input to the logits', unit: 'count', names },
      y: { label: 'CKA', unit: 'number', fromZero: true, upTo: 1 },
      series,
    },
    numbers: layerNumbers(of, names),
  }
}

function layerNumbers(of: readonly Diagnosed[], names: readonly string[]): Numbers {
  const columns = of.flatMap((one) =>
    (hasTwo(one) ? TIMES : (['last'] as const)).flatMap((when) =>
      (['cka', 'debiased'] as const).map((kind) => ({
        head: `${of.length > 1 ? `${one.subject.letter}, ` : ''}${when}${kind === 'cka' ? '' : ', debiased'}`,
        cell: (name: string): string => {
          const values = layerValues(one, name, (layer) => layer[when][kind])
          return values.length === 0 ? '–' : rangeOf(values).mean.toFixed(3)
        },
      })),
    ),
  )
  return {
    caption: 'Mean CKA by layer',
    columns: [{ head: 'layer' }, ...columns.map(({ head }) => ({ head, isNumber: true }))],
    rows: names.map((name) => [name, ...columns.map(({ cell }) => cell(name))]),
  }
}

/** An early, a middle and the last layer side by side, in the first and in the last round. */
function pairMaps(title: string, similarity: Similarity): readonly PageFigure[] {
  const { firstRound, lastRound, firstSlots, lastSlots } = similarity
  const maps = (when: Time, round: number, slots: readonly number[]): readonly PageFigure[] => {
    const names = slots.map(String)
    const panels = threeLayers(similarity.layers).flatMap((layer): readonly HeatPanel[] => {
      const { pairs } = layer[when]
      if (pairs === null) return []
      return [
        {
          ...{ title: layer.name, rowLabel: 'slot', columnLabel: 'slot', rows: names },
          ...{ columns: names, values: pairs, range: [0, 1] },
          text: (value) => value.toFixed(2),
        },
      ]
    })
    return panels.length === 0
      ? []
      : [{ kind: 'heat', title: `${title}, round ${round}`, width: 'full', panels }]
  }
  return [
    ...(firstRound === lastRound ? [] : maps('first', firstRound, firstSlots)),
    ...maps('last', lastRound, lastSlots),
  ]
}

export function headSection(subjects: readonly Subject[]): Section | null {
  const of = diagnosed(subjects, ({ heads }) => heads.length > 0)
  if (of.length === 0) return null
  const maps = pictured(of, ({ heads }) => heads)
  const figures = maps.flatMap(({ subject, found }) =>
    normMaps(lettered('Class vectors of local heads', subject, of), subject, found),
  )
  return {
    title: 'Norms of heads',
    note: `Lengths of the head's class vectors after local training, beside the labels that each client has. Where rows of both have the same pattern, heads follow labels. Longest over shortest is 1 for an even head; a global head can be even and still biased, in where its vectors point.${figures.length > 0 ? picturesNote(of) : ''}`,
    subjects: of.map(({ subject }) => subject),
    figures,
    body: normTable(of),
  }
}

function normMaps(
  title: string,
  { runs: [run] }: Subject,
  heads: readonly HeadInRound[],
): readonly PageFigure[] {
  const { classes } = run.config.task
  const told = heads.filter(({ local }) => local !== null)
  const [first, last] = [told[0], told.at(-1)]
  if (first === undefined || last === undefined || last.local === null) return []
  if (classes.length > MOST_CLASSES) return []
  const members = new Map(run.roster.map(({ slot, name }) => [slot, name]))
  const panel = (
    head: string,
    { slots }: { readonly slots: readonly number[] },
    values: HeatPanel['values'],
  ): HeatPanel => ({
    ...{ title: head, rowLabel: 'client', columnLabel: 'class', columns: classes, values },
    rows: slots.map((slot) => members.get(slot) ?? String(slot)),
    text: threeDigits,
  })
  const norms = ({ round, local }: HeadInRound): readonly HeatPanel[] =>
    local === null ? [] : [panel(`norms, round ${round}`, local, local.norms)]
  const { counts, slots } = last.local
  const isCounted = counts.some((own) => own !== null)
  const labels = counts.map((own) => own ?? classes.map(() => null))
  const panels = [
    ...norms(first),
    ...(first === last ? [] : norms(last)),
    ...(isCounted ? [panel('examples of each label', { slots }, labels)] : []),
  ]
  return [{ kind: 'heat', title, width: 'full', panels }]
}

function normTable(of: readonly Diagnosed[]): Html {
  const mean = (values: readonly (number | null)[]): string => {
    const known = values.filter((value) => value !== null)
    return known.length === 0 ? '–' : threeDigits(rangeOf(known).mean)
  }
  const rows = of.flatMap(({ subject, runs }) => {
    const ends = (heads: readonly HeadInRound[]) => [heads[0], heads.at(-1)] as const
    const locals = runs.map(({ heads }) => ends(heads.filter(({ local }) => local !== null)))
    const globals = runs.map(({ heads }) =>
      ends(heads.filter(({ ratio, isCalibrated }) => ratio !== null && !isCalibrated)),
    )
    const calibrated = runs.map(({ heads }) => heads.findLast((one) => one.isCalibrated))
    return [
      [
        nameOf(subject),
        ...[0, 1].map((end) =>
          mean(locals.map((pair) => pair[end]?.local?.meanCorrelation ?? null)),
        ),
        ...[0, 1].map((end) => mean(locals.map((pair) => pair[end]?.local?.meanRatio ?? null))),
        ...[0, 1].map((end) => mean(globals.map((pair) => pair[end]?.ratio ?? null))),
        mean(calibrated.map((one) => one?.ratio ?? null)),
      ],
    ]
  })
  const heads = [
    ...['norms follow labels, first', 'last', 'longest/shortest local, first', 'last'],
    ...['global, first', 'last', 'calibrated'],
  ]
  return html`<p class="note">
      Norms follow labels: Pearson's correlation of a client's norms with its label counts, mean
      over clients; 1 is a head that favours what its client has most of, and nearer 0 is better.
      First and last are rounds that looked.
    </p>
    ${table(
      'Norms of heads',
      [{ head: 'configuration' }, ...heads.map((head) => ({ head, isNumber: true }))],
      rows,
    )}`
}

const STAR_NOTE =
  ' A star is a calibrated model: its features are those of the model before it, and its head is another.'

/** Of what is measured on the same kind of examples in all rounds: a calibration knows moments even without test data. */
export function geometrySection(subjects: readonly Subject[]): Section | null {
  const of = diagnosed(subjects, ({ geometry }) => geometry.length > 0)
  if (of.length === 0) return null
  const kinds = new Set(
    of.flatMap(({ runs }) => runs.flatMap((run) => run.geometry.map((one) => one.geometry.of))),
  )
  const kind = kinds.has('probe') ? 'probe' : 'moments'
  const figures = GEOMETRY_MEASURES.flatMap((measure) => geometryCurves(of, kind, measure))
  const isCalibrated = of.some(({ runs }) =>
    runs.some(({ geometry }) => geometry.some((one) => one.isCalibrated)),
  )
  const where =
    kind === 'probe' ? 'on examples of the central test split' : 'from class moments of the clients'
  return {
    title: 'Geometry of features',
    note: `Where features of the classes lie, and how the head stands to them (neural collapse), ${where}.${isCalibrated ? STAR_NOTE : ''}`,
    subjects: of.map(({ subject }) => subject),
    figures,
  }
}

function geometryCurves(
  of: readonly Diagnosed[],
  kind: Geometry['of'],
  { key, title, isShare, good, meaning }: GeometryMeasure,
): readonly PageFigure[] {
  // A calibration leaves features as they are: beside the model before it, only the head has moved.
  const isSameAgain = (part: string): boolean =>
    part === 'calibration' && key !== 'selfDuality' && kind === 'probe'
  const curves = curvesOf(
    of.map(({ subject }) => subject),
    ({ part, diagnostics }) =>
      diagnostics?.geometry?.of !== kind || isSameAgain(part)
        ? undefined
        : (diagnostics.geometry[key] ?? undefined),
  )
  const better =
    good === 'neither' ? '' : `. ${good === 'smaller' ? 'Smaller' : 'Larger'} is better`
  const note = `${meaning.charAt(0).toUpperCase()}${meaning.slice(1)}${better}.`
  return againstRounds(curves, {
    ...{ title, unit: isShare ? 'share' : 'number', fromZero: true },
  }).map((figure) => ({ ...figure, note }))
}
