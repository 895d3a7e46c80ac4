package control

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

// worldView is GET /world.
type worldView struct {
	world.Snapshot
	Queues []queueView   `json:"queues"`
	Topics []topicView   `json:"topics"`
	Events []messageView `json:"events"`
	Access
}

type queueView struct {
	Name         string `json:"name"`
	Active       int    `json:"active"`
	Scheduled    int    `json:"scheduled"`
	Deferred     int    `json:"deferred"`
	DeadLettered int    `json:"deadLettered"`
}

type topicView struct {
	Name          string      `json:"name"`
	Scheduled     int         `json:"scheduled"`
	Subscriptions []queueView `json:"subscriptions"`
}

// eventsTopic is where the app publishes.
const eventsTopic = "wif-events"

func (a *api) showWorld(w http.ResponseWriter, _ *http.Request) {
	view := worldView{Snapshot: a.World.Snapshot(), Queues: []queueView{}, Topics: []topicView{},
		Events: []messageView{}}
	if a.Access != nil {
		view.Access = a.Options.Access()
	}
	topics := map[string]int{}
	for _, e := range a.Broker.Entities() {
		q := queueView{Name: e.Name, Active: e.Active, Scheduled: e.Scheduled, Deferred: e.Deferred,
			DeadLettered: e.DeadLettered}
		switch e.Kind {
		case servicebus.KindQueue:
			view.Queues = append(view.Queues, q)
		case servicebus.KindTopic:
			topics[strings.ToLower(e.Name)] = len(view.Topics)
			view.Topics = append(view.Topics, topicView{Name: e.Name, Scheduled: e.Scheduled,
				Subscriptions: []queueView{}})
		case servicebus.KindSubscription:
			topic, name, _ := strings.Cut(e.Name, "/subscriptions/")
			if i, ok := topics[strings.ToLower(topic)]; ok {
				q.Name = name
				view.Topics[i].Subscriptions = append(view.Topics[i].Subscriptions, q)
			}
		}
	}
	for _, m := range a.Broker.Events(eventsTopic) {
		view.Events = append(view.Events, viewEvent(m))
	}
	writeJSON(w, http.StatusOK, view)
}

// objects serves PUT and DELETE /objects/{kind}/{id}; rest is escaped.
func (a *api) objects(w http.ResponseWriter, r *http.Request, rest string) {
	kind, escaped, _ := strings.Cut(rest, "/")
	id, err := url.PathUnescape(escaped)
	if err != nil || id == "" {
		writeProblem(w, http.StatusNotFound, "The path is /objects/{kind}/{id}.", nil)
		return
	}
	switch r.Method {
	case http.MethodPut:
		body, ok := readBody(w, r)
		if !ok {
			return
		}
		err = a.putObject(kind, id, body)
	case http.MethodDelete:
		err = a.deleteObject(kind, id)
	default:
		w.Header().Set("Allow", "PUT, DELETE")
		writeProblem(w, http.StatusMethodNotAllowed, "Objects are changed by PUT and DELETE; GET /world shows them.",
			nil)
		return
	}
	if err != nil {
		writeFailure(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (a *api) putObject(kind, id string, body []byte) error {
	switch kind {
	case "queues":
		var q struct {
			Name string `json:"name"`
			servicebus.QueueProperties
		}
		if err := strictjson.Decode(body, &q); err != nil {
			return err
		}
		return asFault(a.Broker.PutQueue(id, q.QueueProperties))
	case "topics":
		var t struct {
			Name string `json:"name"`
			servicebus.TopicProperties
		}
		if err := strictjson.Decode(body, &t); err != nil {
			return err
		}
		return asFault(a.Broker.PutTopic(id, t.TopicProperties))
	}
	return a.World.PutObject(kind, id, body)
}

// asFault makes the broker's complaint about an entity's properties a fault of the body.
func asFault(err error) error {
	if err == nil {
		return nil
	}
	return &strictjson.Error{Detail: err.Error()}
}

func (a *api) deleteObject(kind, id string) error {
	if kind == "queues" || kind == "topics" {
		return a.Broker.DeleteEntity(id)
	}
	return a.World.DeleteObject(kind, id)
}
