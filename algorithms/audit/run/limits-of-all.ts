/** What limits every audit, whatever its settings. Gifd specification §1, §3, §16. */
export const LIMITS_OF_ALL: readonly string[] = [
  'An attack that fails proves nothing: every number bounds what is possible from below, for the methods and the budget that were tried.',
  'Only whoever reads and follows the protocol was played. A coordinator that alters the model to make records readable (imprint layers and the like) can do more.',
  'One update was attacked at a time. Updates of one client over many rounds, put together, can show more.',
  'How much is recovered depends on the records, on the state of the model and on how well public data match: with other records, later rounds or a better generator numbers can be lower or higher.',
]
