"""How a study's runs are spread over processes and machines; nothing in here changes a number."""
