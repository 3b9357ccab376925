/** What `work` makes of each, in their order, `most` at a time: all at once would hold what all of them read. */
export async function atMost<One, Made>(
  most: number,
  all: readonly One[],
  work: (one: One) => Promise<Made>,
): Promise<readonly Made[]> {
  const made: Made[] = []
  const left = all.entries()
  const worker = async (): Promise<void> => {
    for (const [place, one] of left) made[place] = await work(one)
  }
  await Promise.all(Array.from({ length: Math.min(most, all.length) }, worker))
  return made
}
