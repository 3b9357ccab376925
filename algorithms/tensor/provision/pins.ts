/** What `tributary doctor --install` builds from, by version. The file hashes are in `wheels.ts` and the lockfiles. */
export const TFJS_VERSION = '4.22.0'

export interface Product {
  /** The npm package whose addon is built. */
  readonly npmPackage: string
  /** The Python wheel that carries libtensorflow and the headers of its C API. */
  readonly wheel: string
  readonly tensorflow: string
  /** Folder below the provision root. */
  readonly folder: string
}

const product = (kind: string, parts: Omit<Product, 'folder'>): Product => ({
  ...parts,
  folder: `${kind}-tfjs${TFJS_VERSION}-tensorflow${parts.tensorflow}`,
})

export const PRODUCTS = {
  // 2.16.2 is the newest release on which all of tfjs-core's own tests pass; from 2.17 `round` on int32 yields zeros.
  native: product('cpu', {
    npmPackage: '@tensorflow/tfjs-node',
    wheel: 'tensorflow-cpu',
    tensorflow: '2.16.2',
  }),
  cuda: product('cuda', {
    npmPackage: '@tensorflow/tfjs-node-gpu',
    wheel: 'tensorflow',
    tensorflow: '2.18.1',
  }),
} as const satisfies Record<string, Product>

export type ProductName = keyof typeof PRODUCTS
