/** What a coordinator answers, with hostile text wherever an answer may hold any text at all. */
import { HTTP_API, parseAnswer, type HttpCall } from '#protocol/http-api.js'

const CALLS = (Object.keys(HTTP_API) as HttpCall[]).filter((name) => name.startsWith('GET '))
type Path = readonly (string | number)[]

/** Which call an address belongs to; null: none. */
export function callOf(path: string): HttpCall | null {
  const matching = CALLS.filter((name) => {
    const pattern = name.slice('GET '.length).replaceAll(/:\w+/g, '[^/]+')
    return new RegExp(`^${pattern}$`).test(path)
  })
  return matching.toSorted((a, b) => a.split(':').length - b.split(':').length)[0] ?? null
}

function leaves(value: unknown, path: Path = []): readonly (readonly [Path, string])[] {
  if (typeof value === 'string') return [[path, value]]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]))
}
function withText(value: unknown, [key, ...rest]: Path, text: unknown): unknown {
  if (key === undefined) return text
  if (Array.isArray(value))
    return (value as readonly unknown[]).map((inner, i) =>
      String(i) === key ? withText(inner, rest, text) : inner,
    )
  const object = value as Readonly<Record<string, unknown>>
  return { ...object, [key]: withText(object[key], rest, text) }
}
/** Alike in every element of a list. */
const kindOf = (path: Path): string =>
  path.map((key) => (/^\d+$/.test(String(key)) ? '*' : key)).join('.')

/** In place of each list of a page its first row, so many times, each by a name of its own. */
function repeated(body: unknown, times: number): unknown {
  const lists = Object.entries(body as object).filter(
    ([key, rows]) => ROWS.has(key) && Array.isArray(rows),
  )
  return lists.reduce<unknown>((made, [key, rows]) => {
    const [first] = rows as readonly Readonly<Record<string, unknown>>[]
    if (first === undefined) return made
    const id = ROWS.get(key) ?? ''
    const row = (i: number): object => ({
      ...first,
      [id]: `${String(first[id]).slice(0, -2)}${i.toString(36).padStart(2, '0')}`,
    })
    return withText(
      made,
      [key],
      Array.from({ length: times }, (_, i) => row(i)),
    )
  }, body)
}
/** Lists of pages, and by what their rows are known. */
const ROWS = new Map([
  ['runs', 'runId'],
  ['audits', 'runId'],
  ['nodes', 'nodeId'],
])

/** Longer than any of the payloads, so that a place with a limit shows that it has one. */
const LONG = 'x'.repeat(150)

/** Knows, once it has seen an answer, where the API takes any text, and whether of any length. */
export class Hostility {
  readonly #taken = new Map<string, 'short' | 'long' | 'none'>()
  readonly #payloads: readonly string[]
  /** Places that were given hostile text. */
  readonly places = new Set<string>()
  /** From which payload on they are dealt out. */
  offset = 0

  constructor(payloads: readonly string[]) {
    this.#payloads = payloads
  }

  answer(call: HttpCall, answered: unknown): unknown {
    const body = repeated(answered, this.#payloads.length)
    let made = body
    for (const [path] of leaves(body)) {
      const place = `${call} ${kindOf(path)}`
      const how = this.#takes(call, { body, path, place })
      if (how === 'none') continue
      this.places.add(place)
      // Each row of a list another one.
      const row = path.reduce<number>((sum, key) => sum + (Number(key) || 0), this.offset)
      const one = this.#payloads[row % this.#payloads.length] ?? ''
      const text = how === 'long' ? `${one} ${this.#payloads.join(' ')}` : one.slice(0, 95)
      made = withText(made, path, how === 'long' ? text.slice(0, 1900) : `${text}${row % 1000}`)
    }
    return parseAnswer(call, made).ok ? made : body
  }

  #takes(
    call: HttpCall,
    at: { readonly body: unknown; readonly path: Path; readonly place: string },
  ): 'short' | 'long' | 'none' {
    const known = this.#taken.get(at.place)
    if (known !== undefined) return known
    const isTaken = (text: string): boolean =>
      parseAnswer(call, withText(at.body, at.path, text)).ok
    const how = isTaken(LONG) ? 'long' : isTaken('<any "text">') ? 'short' : 'none'
    this.#taken.set(at.place, how)
    return how
  }
}
