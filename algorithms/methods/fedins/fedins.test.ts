import { describeMethod } from '#testing/method-conformance.js'

describeMethod('fedins')
