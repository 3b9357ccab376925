/** What is typed on the machine that is to take part. */
export function joinCommand({
  origin,
  code,
  fingerprint,
}: {
  readonly origin: string
  readonly code: string
  /** Of the coordinator's certificate; null: it has none of its own. */
  readonly fingerprint: string | null
}): string {
  return [
    `tributary client join ${origin} --code ${code}`,
    ...(fingerprint === null ? [] : [`--fingerprint ${fingerprint}`]),
    '--data mnist',
  ].join(' ')
}
