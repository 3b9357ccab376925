/** Compiled backends: where they are (`resolve…`), how to load one, how to install one. */
export { provisionRoot, resolveCuda, resolveNative, resolveWebgpu } from './locate.js'
export { requireWithOurCore } from './one-core.js'
export { installCuda, installNative, type InstallOptions } from './install.js'
export { selfCheck, type SelfCheck } from './self-check.js'
export { installSoftwareWebgpu, installWebgpu } from './install-webgpu.js'
export { probeWebgpu, type WebgpuProbe } from './webgpu-probe.js'
