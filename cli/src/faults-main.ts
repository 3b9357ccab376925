/** Loaded by the child processes of a process that is to fail: see faults.ts. */
import { installFaults } from './faults.js'

installFaults(process.env)
