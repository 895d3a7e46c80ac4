az login --service-principal --username x --password pl4nted-word
