package host

import (
	"fmt"
	"io"
	"sync"
)

// logger writes whole lines, from the host ("host: …") and from the handler as they are.
type logger struct {
	mu  sync.Mutex
	out io.Writer
}

func (l *logger) line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = io.WriteString(l.out, text+"\n") // a log that cannot be written has nowhere to be reported
}

func (l *logger) hostf(format string, arguments ...any) {
	l.line("host: " + fmt.Sprintf(format, arguments...))
}
