"""Write the dashboards to where they are kept; a test compares the two."""

from daemon.dashboards.export import FOLDER, write

if __name__ == "__main__":
    write(FOLDER)
