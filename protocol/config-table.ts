import { z } from 'zod'
import { runConfigSchema, type ConfigCatalogue } from './config-schema.js'

/** One key of the configuration, for the documentation. */
export interface ConfigRow {
  /** Dotted. Options of one catalogue entry as `method(fedprox).mu`. */
  readonly path: string
  readonly type: string
  /** As JSON; empty where the key must be given or may be left out. */
  readonly default: string
  readonly description: string
}

/** The part of JSON Schema that zod writes for our schemas. */
interface Node {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly oneOf?: readonly Node[]
  readonly anyOf?: readonly Node[]
}

const variantsOf = (node: Node): readonly Node[] => node.oneOf ?? node.anyOf ?? []
const variantName = ({ properties }: Node): string | undefined => {
  const name = properties?.['name']?.const
  return typeof name === 'string' ? name : undefined
}

function typeOf(node: Node): string {
  if (node.const !== undefined) return JSON.stringify(node.const)
  if (node.enum !== undefined) return node.enum.map((value) => JSON.stringify(value)).join(' | ')
  const variants = variantsOf(node)
  if (variants.length > 0)
    return [...new Set(variants.map((one) => variantName(one) ?? typeOf(one)))].join(' | ')
  if (node.items !== undefined) {
    const inner = typeOf(node.items)
    return inner.includes(' | ') ? `(${inner})[]` : `${inner}[]`
  }
  if (node.type === 'object') return `{ ${Object.keys(node.properties ?? {}).join(', ')} }`
  return node.type ?? 'any'
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

function rowsOf(node: Node, path: string): readonly ConfigRow[] {
  const own = Object.entries(node.properties ?? {}).flatMap(([key, inner]) =>
    inner.const !== undefined && key === 'name' ? [] : keyRows(inner, join(path, key)),
  )
  const variants = variantsOf(node).flatMap((variant) => {
    const name = variantName(variant)
    return rowsOf(variant, name === undefined ? path : `${path}(${name})`)
  })
  // Entries of a list are written as a choice is: `updates(clip).norm`.
  return [...own, ...variants, ...(node.items === undefined ? [] : rowsOf(node.items, path))]
}
function keyRows(node: Node, path: string): readonly ConfigRow[] {
  const row = {
    path,
    type: typeOf(node),
    default: node.default === undefined ? '' : JSON.stringify(node.default),
    description: node.description ?? '',
  }
  return [row, ...rowsOf(node, path)]
}

/** Every key of the configuration with its default, in the order of the schema. */
export const configDefaultsTable = (catalogue: ConfigCatalogue): readonly ConfigRow[] =>
  tableOf(runConfigSchema(catalogue))

/** Every key of an object schema; paths begin with `path`. */
export const tableOf = (schema: z.ZodType, path = ''): readonly ConfigRow[] =>
  rowsOf(z.toJSONSchema(schema, { io: 'input' }) as Node, path)
