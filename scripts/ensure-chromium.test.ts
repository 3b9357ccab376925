import { expect, it } from 'vitest'
import { installerFor } from './ensure-chromium.mjs'

it('installs packages as root and in CI, and never on the machine of who runs the tests', () => {
  expect(installerFor({ uid: 0, ci: undefined })).toEqual(['apt-get'])
  expect(installerFor({ uid: 1000, ci: 'true' })).toEqual(['sudo', '-n', 'apt-get'])
  for (const ci of [undefined, '']) expect(installerFor({ uid: 1000, ci })).toBeNull()
  expect(installerFor({ uid: undefined, ci: undefined })).toBeNull()
})
