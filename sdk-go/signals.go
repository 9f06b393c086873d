package orchestrator

import (
	"os"
	"os/signal"
	"syscall"
)

// onStopSignals calls onFirst at the first SIGTERM or SIGINT and ends the process at the second,
// with the exit code that a shell expects. The function that it returns ends that.
func onStopSignals(onFirst func(os.Signal)) (stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	done := make(chan struct{})
	go func() {
		isFirst := true
		for {
			select {
			case <-done:
				return
			case received := <-signals:
				if !isFirst {
					os.Exit(exitCodeOf(received))
				}
				isFirst = false
				onFirst(received)
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// exitCodeOf is the shell's convention for a process that a signal ended.
func exitCodeOf(s os.Signal) int {
	const signalled = 128
	if number, ok := s.(syscall.Signal); ok {
		return signalled + int(number)
	}
	return signalled
}
