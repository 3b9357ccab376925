/** As many campaigns as it takes for so many kills, in turn with durable and with ephemeral updates. */
import type { Fingerprint } from './history.js'
import { runCampaign, type CampaignResult } from './nemesis-run.js'
import type { Durability } from './prepare.js'

export interface NemesisOptions {
  readonly seed: number
  readonly kills: number
  /** Of each campaign. */
  readonly rounds: number
  readonly longestStopMs: number
  readonly say: (line: string) => void
  /** A database that nobody else uses, for every third campaign; undefined: records are in the data directory. */
  readonly newDatabase?: (() => string) | undefined
}
export interface NemesisResult {
  readonly seed: number
  readonly campaigns: readonly CampaignResult[]
  readonly kills: number
  readonly acked: number
  readonly lost: number
  readonly doubled: number
  /** How often what else went wrong. */
  readonly mischief: Readonly<Record<string, number>>
}
/** After so many a campaign is left to finish: the next one has another store, or keeps its updates otherwise. */
const KILLS_A_CAMPAIGN = 8
const DURABILITIES: readonly Durability[] = ['durable', 'ephemeral']

export async function runNemesis(options: NemesisOptions): Promise<NemesisResult> {
  const { seed, kills, say } = options
  say(`nemesis: seed ${seed}, ${kills} kills`)
  const golden = await goldenOf(options)
  const campaigns: CampaignResult[] = []
  while (total(campaigns, 'kills') < kills) {
    const campaign = campaigns.length
    const result = await runCampaign({
      ...{ seed, campaign, golden },
      ...{ rounds: options.rounds, longestStopMs: options.longestStopMs },
      durability: DURABILITIES[campaign % DURABILITIES.length] ?? 'durable',
      kills: Math.min(KILLS_A_CAMPAIGN, kills - total(campaigns, 'kills')),
      storeUrl: campaign % 3 === 2 ? options.newDatabase?.() : undefined,
    })
    campaigns.push(result)
    say(lineOf(result))
  }
  const result = {
    ...{ seed, campaigns, kills: total(campaigns, 'kills') },
    ...{ acked: total(campaigns, 'acked'), lost: total(campaigns, 'lost') },
    doubled: total(campaigns, 'doubled'),
    mischief: mischiefOf(campaigns),
  }
  for (const line of summaryOf(result)) say(line)
  return result
}

/** The same run that nothing happens to. */
async function goldenOf({ seed, rounds }: NemesisOptions): Promise<Fingerprint> {
  const undisturbed = await runCampaign({
    ...{ seed, rounds, campaign: -1, durability: 'durable', kills: 0, longestStopMs: 0 },
    golden: null,
  })
  return undisturbed.fingerprint
}

const total = (
  campaigns: readonly CampaignResult[],
  key: 'kills' | 'acked' | 'lost' | 'doubled',
): number => campaigns.reduce((sum, campaign) => sum + campaign[key], 0)

function mischiefOf(campaigns: readonly CampaignResult[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>()
  for (const { mischief } of campaigns)
    for (const [kind, count] of Object.entries(mischief))
      counts.set(kind, (counts.get(kind) ?? 0) + count)
  return Object.fromEntries(counts)
}
const lineOf = (result: CampaignResult): string => {
  const { campaign, store, durability, kills, mischief, acked, problems, sameResult } = result
  return `campaign ${campaign} (${store}, ${durability}): ${kills} kills, ${mischiefText(mischief)}; ${acked} acknowledged, resumed hash ${
    sameResult === true ? 'equal' : 'DIFFERENT'
  }${problems.map(({ check, problem }) => `; ${check}: ${problem}`).join('')}`
}

export const mischiefText = (mischief: Readonly<Record<string, number>>): string =>
  Object.entries(mischief)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ') || 'nothing else'

export function summaryOf(result: NemesisResult): readonly string[] {
  const { seed, campaigns, kills, acked, lost, doubled, mischief } = result
  const same = campaigns.filter(({ sameResult }) => sameResult === true).length
  return [
    `nemesis: seed ${seed}, ${kills} kills in ${campaigns.length} campaigns, ${mischiefText(mischief)}`,
    `acknowledged updates ${acked}, lost ${lost}, double counted ${doubled}`,
    `resumed hash equal ${same} / ${campaigns.length}`,
  ]
}
