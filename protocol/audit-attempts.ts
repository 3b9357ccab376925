import type { AuditMethodResult } from './audit-report.js'

/** One way an attacker could have gone: a method to its end, or to one of its stages. */
export interface Attempt {
  /** Of the method. */
  readonly name: string
  /** Where it stopped; null: it took what it would take. */
  readonly stopped: string | null
  /** By what records were recognised: what pixels do not tell, features may (§14.1). */
  readonly by: 'pixels' | 'features'
  readonly sameClass: AuditMethodResult['stages'][number]['sameClass']
  /** In dB. */
  readonly gain: { readonly median: number; readonly max: number }
  /** Median, in dB. */
  readonly psnr: number
}

/** As people call it. */
export const methodTitle = (name: string): string =>
  name === 'analytic'
    ? 'the analytic leak'
    : name.replace(/^[a-z]+/, (word) => word.toUpperCase()).replace('-cma', '-CMA')

export function attemptsOf(result: AuditMethodResult): readonly Attempt[] {
  const { name, chosen, stages, atFloor } = result
  const own = { name, stopped: null, by: 'pixels' } as const
  const ways = [
    ...(chosen === null ? [] : [{ ...chosen, ...own, psnr: chosen.psnr.median }]),
    // The first stage of what goes through several is LATENT, but its restarts may be others.
    ...stages.map((one) => ({ ...own, ...one, stopped: `stopped after stage ${one.stage}` })),
    ...(atFloor === null ? [] : [{ ...own, ...atFloor, stopped: 'stopped at the noise floor' }]),
  ]
  return ways.flatMap((one) =>
    one.auxiliarySameClass === null
      ? [one]
      : [one, { ...one, by: 'features' as const, sameClass: one.auxiliarySameClass }],
  )
}
