/** Loaded into a process by a test: on SIGUSR2 something happens that no code expected. */
process.on('SIGUSR2', () => {
  if (process.env.TEST_FAULT === 'rejection') void Promise.reject(new TypeError('nobody waits'))
  else
    process.nextTick(() => {
      throw new TypeError('nobody catches')
    })
})
