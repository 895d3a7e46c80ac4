//go:build unix && !linux

package host

import (
	"os"
	"syscall"
)

// processAttributes puts the handler into a group of its own, so that Ctrl-C reaches the host alone.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) } // an error means that it has ended already
