import { describeMethod } from '#testing/method-conformance.js'

describeMethod('fedd2s')
