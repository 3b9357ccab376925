/** Compiled backends: where they are (`resolve…`), how to load one, how to install one. */
export { provisionRoot, resolveCuda, resolveNative } from './locate.js'
export { requireWithOurCore } from './one-core.js'
export { installCuda, installNative, type InstallOptions } from './install.js'
export { selfCheck, type SelfCheck } from './self-check.js'
