import type { Store } from './store.js'

/** The same store with some calls of one's own. A Proxy, because every other call must reach the store as it is. */
export function withOwn(store: Store, own: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, key) => {
      if (Object.hasOwn(own, key)) return own[key as keyof Store]
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function'
        ? (value as (...args: unknown[]) => unknown).bind(target)
        : value
    },
  })
}
