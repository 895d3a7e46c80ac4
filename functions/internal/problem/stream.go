package problem

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// bodyTime is how long a body may take to arrive, as huma has it for those that it reads.
const bodyTime = 5 * time.Second

// Stream is the body of a request as it arrives. An input that embeds it has no other body, and its handler reads this
// one.
type Stream struct{ arriving io.Reader }

// Resolve takes the body; huma calls it before the handler.
func (s *Stream) Resolve(ctx huma.Context) []error {
	_ = ctx.SetReadDeadline(time.Now().Add(bodyTime)) // a server that knows none has no slow caller
	s.arriving = ctx.BodyReader()
	return nil
}

// Body is what arrives, at most so many bytes: more, and what breaks off, is a *Problem.
func (s *Stream) Body(most int64) io.Reader {
	if s.arriving == nil {
		return http.NoBody
	}
	return &arrival{of: s.arriving, left: most, most: most}
}

// arrival is a reader whose errors are problems.
type arrival struct {
	of         io.Reader
	left, most int64
}

func (a *arrival) Read(p []byte) (int, error) {
	n, err := a.of.Read(p[:min(int64(len(p)), a.left+1)])
	a.left -= int64(n)
	var slow net.Error
	switch {
	case a.left < 0:
		return 0, New(http.StatusRequestEntityTooLarge, CodeBodyTooLarge,
			fmt.Sprintf("The body may have at most %d bytes.", a.most))
	case err == nil, errors.Is(err, io.EOF):
		return n, err
	case errors.As(err, &slow) && slow.Timeout():
		return n, New(http.StatusRequestTimeout, CodeTimeout, "The body did not arrive whole and in time.")
	default:
		return n, fmt.Errorf("read the body: %w", err)
	}
}
