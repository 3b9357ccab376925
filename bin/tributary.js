#!/usr/bin/env node
// Old syntax on purpose: an old Node.js must get as far as the message below.
var parts = process.versions.node.split('.').map(Number)
if (parts[0] < 20 || (parts[0] === 20 && parts[1] < 19)) {
  process.stderr.write(
    'error usage/node-version: Node.js 20.19 or newer is needed, this is ' +
      process.versions.node +
      '\n  Install Node.js 20.19 or newer, then try again\n',
  )
  process.exit(2)
}
import('../dist/cli/src/main.js').then(
  function (cli) {
    return cli.main(process.argv)
  },
  function (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !/dist.cli.src.main/.test(error.message))
      throw error
    process.stderr.write(
      'error usage/not-built: the program is not built yet\n  Run: npm run build\n',
    )
    process.exit(2)
  },
)
