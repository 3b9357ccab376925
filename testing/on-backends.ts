import { beforeAll, describe, it } from 'vitest'
import { useBackend, type BackendName } from '#algorithms/tensor/backends.js'
import { resolveNative } from '#algorithms/tensor/provision/index.js'

/** Runs the same tests on `cpu`, `wasm` and, where it is installed, `native`; says so where it is not. */
export function describeOnBackends(title: string, body: (backend: BackendName) => void): void {
  for (const name of ['cpu', 'wasm'] as const) describeOn(title, name, body)
  if (resolveNative() !== null) {
    describeOn(title, 'native', body)
  } else if (process.env.TRIBUTARY_REQUIRE_NATIVE === '1') {
    describe(`${title} on native`, () => {
      it('is installed', () => {
        throw new Error(
          'TRIBUTARY_REQUIRE_NATIVE=1, but native is not installed: tributary doctor --install native',
        )
      })
    })
  } else {
    describe.skip(`${title} on native: not installed (tributary doctor --install native)`, () => {
      it('needs the native backend')
    })
  }
}

function describeOn(title: string, name: BackendName, body: (backend: BackendName) => void): void {
  describe(`${title} on ${name}`, () => {
    beforeAll(async () => {
      await useBackend(name)
    })
    body(name)
  })
}
