package host

import (
	"os"
	"syscall"
)

// processAttributes puts the handler into a group of its own, so that Ctrl-C reaches the host alone, and lets the
// kernel end it should the host die.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) } // an error means that it has ended already
