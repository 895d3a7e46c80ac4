package control

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
	"github.com/google/uuid"
)

// messageRequest is the body of POST /queues/{name}/messages. A body that is JSON text is put as that text; any other
// JSON value is put as JSON.
type messageRequest struct {
	Body          json.RawMessage `json:"body"`
	BodyBase64    string          `json:"bodyBase64"`
	MessageID     string          `json:"messageId"`
	SessionID     string          `json:"sessionId"`
	ContentType   string          `json:"contentType"`
	Subject       string          `json:"subject"`
	CorrelationID string          `json:"correlationId"`
	Properties    map[string]any  `json:"properties"`
	ScheduledAt   time.Time       `json:"scheduledAt"`
}

// messageView is a message as it is shown: its members, and the body as JSON, else text, else base64.
type messageView = map[string]any

// queues serves /queues/{name}/messages, /queues/{name}/deadletter and /queues/{name}/messages/deadletter; rest is
// escaped. The name may be that of a topic (POST), or "topic/subscriptions/name" (GET).
func (a *api) queues(w http.ResponseWriter, r *http.Request, rest string) {
	name, dead := strings.CutSuffix(rest, "/deadletter")
	name, plain := strings.CutSuffix(name, "/messages")
	entity, err := url.PathUnescape(name)
	if err != nil || entity == "" || !dead && !plain {
		writeProblem(w, http.StatusNotFound, "The paths are /queues/{name}/messages and /queues/{name}/deadletter.",
			nil)
		return
	}
	if !a.isThere(entity) {
		writeProblem(w, http.StatusNotFound, "There is no queue, topic or subscription "+entity+".", nil)
		return
	}
	switch {
	case r.Method == http.MethodGet && dead:
		writeJSON(w, http.StatusOK, viewMessages(a.Broker.Peek(entity+"/$deadletterqueue")))
	case r.Method == http.MethodGet:
		writeJSON(w, http.StatusOK, viewMessages(a.Broker.Peek(entity)))
	case r.Method == http.MethodPost && !dead:
		a.send(w, r, entity)
	default:
		writeProblem(w, http.StatusMethodNotAllowed,
			"Messages are put by POST /queues/{name}/messages and shown by GET.", nil)
	}
}

func (a *api) isThere(entity string) bool {
	for _, e := range a.Broker.Entities() {
		if strings.EqualFold(e.Name, entity) {
			return true
		}
	}
	return false
}

func (a *api) send(w http.ResponseWriter, r *http.Request, entity string) {
	var m messageRequest
	if !readJSON(w, r, &m) {
		return
	}
	body, contentType, eventID, err := m.content()
	if err != nil {
		writeFailure(w, err)
		return
	}
	if m.ContentType == "" {
		m.ContentType = contentType
	}
	if m.MessageID == "" {
		m.MessageID = eventID
	}
	err = a.Broker.Send(entity, servicebus.Message{
		MessageID: m.MessageID, SessionID: m.SessionID, ContentType: m.ContentType, Subject: m.Subject,
		CorrelationID: m.CorrelationID, Properties: m.Properties, ScheduledAt: m.ScheduledAt, Body: body,
	})
	if err != nil {
		writeFailure(w, err)
		return
	}
	writeJSON(w, http.StatusCreated, map[string]string{"messageId": m.MessageID})
}

// content is the message's body with its content type, and the id that the message gets if it has none: that of the
// event which it holds, as the app's own messages have it.
func (m messageRequest) content() (body []byte, contentType, id string, err error) {
	id = uuid.NewString()
	if m.BodyBase64 != "" {
		raw, err := base64.StdEncoding.DecodeString(m.BodyBase64)
		if err != nil {
			return nil, "", "", &strictjson.Error{Pointer: "/bodyBase64", Member: "bodyBase64",
				Detail: "is not base64"}
		}
		return raw, "application/octet-stream", id, nil
	}
	var text string
	if json.Unmarshal(m.Body, &text) == nil {
		return []byte(text), "text/plain", id, nil
	}
	var event struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(m.Body, &event) == nil && event.ID != "" {
		return m.Body, "application/cloudevents+json", event.ID, nil
	}
	return m.Body, "application/json", id, nil
}

func viewMessages(all []servicebus.Message) []messageView {
	views := make([]messageView, 0, len(all))
	for _, m := range all {
		views = append(views, viewMessage(m))
	}
	return views
}

func viewMessage(m servicebus.Message) messageView {
	body := m.Body
	m.Body, m.LockToken = nil, "" // the lock belongs to whoever holds it
	view := messageView{}
	raw, err := json.Marshal(m)
	if err == nil {
		err = json.Unmarshal(raw, &view)
	}
	if err != nil {
		view["error"] = err.Error()
	}
	switch {
	case json.Valid(body):
		view["body"] = json.RawMessage(body)
	case utf8.Valid(body):
		view["body"] = string(body)
	default:
		view["bodyBase64"] = base64.StdEncoding.EncodeToString(body)
	}
	return view
}

// viewEvent is the message with the members of the CloudEvent that it holds beside its own.
func viewEvent(m servicebus.Message) messageView {
	view := viewMessage(m)
	var event map[string]any
	if json.Unmarshal(m.Body, &event) == nil {
		for name, value := range event {
			if _, taken := view[name]; !taken {
				view[name] = value
			}
		}
	}
	return view
}
