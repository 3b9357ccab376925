import { FileBlobs } from '#coordinator/store/file-blobs.js'
import { serveCalls } from './child-calls.js'
import { createCompute } from './create-compute.js'

const compute = createCompute({ blobs: await FileBlobs.open(process.argv[2] ?? '.') })
serveCalls({
  start: compute.start.bind(compute),
  next: compute.next.bind(compute),
  inspect: compute.inspect.bind(compute),
  close: compute.close.bind(compute),
})
