/** From where on an audit's numbers count as a level of risk: gifd specification §14.3. */
import { z } from 'zod'

const decibels = z.number().min(0).max(99)
const probability = z.number().gt(0).lt(1)

export const auditThresholds = z.strictObject({
  analyticResidual: z
    .number()
    .gt(0)
    .max(1)
    .default(1e-3)
    .describe(
      'certain: a record follows from the update by a formula, with a smaller relative error',
    ),
  certainGain: decibels
    .default(6)
    .describe('certain: every record is told among its class, and the median gain in dB is larger'),
  highGain: decibels.default(6).describe('high: the largest gain in dB is larger'),
  highIdentification: z
    .number()
    .min(1)
    .default(5)
    .describe('high: the lower bound of identification is above so many times chance'),
  elevatedGain: decibels.default(1).describe('elevated: the median gain in dB is larger'),
  elevatedIdentification: z
    .number()
    .min(1)
    .default(1)
    .describe('elevated: the lower bound of identification is above so many times chance'),
  labelPValue: probability
    .default(0.01)
    .describe('elevated: labels are recovered more often than by chance, with a smaller p-value'),
  placeboPValue: probability
    .default(0.01)
    .describe(
      'The audit is not sound when the update of another record identifies this one, with a smaller p-value',
    ),
})
export type AuditThresholds = z.output<typeof auditThresholds>

/** What gates go by, whatever the thresholds of a report are. */
export const DEFAULT_THRESHOLDS: AuditThresholds = auditThresholds.parse({})
